"""The site's own configuration: who may, what it may say, and that it counts at once."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from folkmoot.config import Config, Data, Forum, Limits
from folkmoot.domain import accounts
from folkmoot.errors import Invalid
from folkmoot.store import Engine, SqliteEngine
from folkmoot.surfaces.forum import issue_token, settings
from tests.surfaces.forum.hall import Hall, hall_on, run_in_hall

TEXT = """{
  # What people see
  hostname: town.example
  /* kept as it is */
  rate_limit: { post: 2, post_per_second: 60 }   // two
  slur_filter: 'darn|blast'
  bind: 0.0.0.0
  port: 8536
  database: { user: lemmy
    password: p
  }
}\r\n"""

REFUSED = [
    *("{", "[1]", "just words", "{a: 1e999}", "[" * 5_000, '{hostname: "\\ud800"}'),
    *("hostname: ''", "hostname: a b", f"hostname: {'a' * 41}", "hostname: 7", "jwt_secret: ''", "jwt_secret: 12"),
    *("rate_limit: 3", "{rate_limit: {post: 0}}", "{rate_limit: {post: '3'}}", "{rate_limit: {message: 1.5}}"),
    *("{rate_limit: {register_per_second: 99999999999999999999}}", "slur_filter: '('", "slur_filter: 3"),
    *("{email: {smtp_server: 'a'}}", "{email: {smtp_server: 'a b', smtp_from_address: 'a@b'}}"),
    *("{email: {smtp_server: 'a', smtp_from_address: \"a@b\\r\\nBcc: c@d\"}}", "{setup: {admin_username: 'a'}}"),
]


async def save(hall: Hall, text: str) -> None:
    assert await hall.send("/site/config", "admin", "PUT", config_hjson=text) == {"config_hjson": text}


def test_it_is_kept_as_it_was_written(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        for by, code in (("ann", "not_an_admin"), ("", "not_logged_in")):
            assert await hall.refused("/site/config", by, "PUT", config_hjson="{") == code
            answer = await hall.client.get("/api/v1/site/config", params={"auth": hall.tokens.get(by, "")})
            assert (answer.status_code, answer.json()["error"]) == (400, code)
        assert await hall.get("/site/config", "admin") == {"config_hjson": ""}
        await save(hall, TEXT)
        assert await hall.get("/site/config", "admin") == {"config_hjson": TEXT}
        for text in REFUSED:
            refused = await hall.refused("/site/config", "admin", "PUT", config_hjson=text)
            assert refused == "couldnt_update_site", text
        assert await hall.get("/site/config", "admin") == {"config_hjson": TEXT}
        assert hall.house.config.site.hostname == "town.example"
        await save(hall, "")
        assert hall.house.config == hall.house.given

    run_in_hall(engine, act)


def test_it_counts_at_once(tmp_path: Path) -> None:
    async def act(hall: Hall) -> None:
        await hall.post("ann", "Darn it")
        await save(hall, TEXT)
        assert (await hall.get("/site"))["admins"][0]["fedi_name"] == "town.example"
        community = (await hall.get("/community"))["community"]["id"]
        refused = await hall.refused("/post", "ann", name="Darn it, BLAST", community_id=community)
        assert refused == "No slurs - BLAST, Darn"
        async with hall.peer() as peer:
            await save(hall, "{hostname: 'other.example'}")
            heard = await peer.ask("GetSite")
            assert heard["data"]["admins"][0]["fedi_name"] == "other.example"
            admin = heard["data"]["admins"][0]["id"]
            # What is broadcast says so, too.
            await hall.send("/user/ban", "admin", user_id=admin, ban=False)
            assert (await peer.hear())["data"]["user"]["fedi_name"] == "other.example"
        await hall.post("ann", "Darn it")

    run_in_hall(SqliteEngine(tmp_path / "community.db"), act)


def test_rates(tmp_path: Path) -> None:
    async def run() -> None:
        async with hall_on(SqliteEngine(tmp_path / "community.db"), Limits(register=100)) as hall:
            await hall.enrol("admin", admin=True)
            community = (await hall.get("/community"))["community"]["id"]

            async def post() -> str:
                answer = await hall.answer("/post", "admin", name="x", community_id=community)
                return str(answer.json().get("error", "")) if answer.status_code != 200 else ""

            assert await post() == "" and await post() == "Too many requests. 1 per 600 seconds"
            await save(hall, TEXT)
            assert [await post(), await post(), await post()] == ["", "", "Too many requests. 2 per 60 seconds"]
            # The same once more begins nothing anew.
            await save(hall, TEXT)
            assert await post() == "Too many requests. 2 per 60 seconds"
            hall.clock.wait(seconds=30)
            assert await post() == ""

    asyncio.run(run())


def test_a_new_secret_ends_all_sessions(tmp_path: Path) -> None:
    async def act(hall: Hall) -> None:
        async with hall.peer() as ann, hall.peer() as admin, hall.peer() as nobody:
            await ann.data("UserJoin", auth=hall.tokens["ann"])
            await nobody.data("GetSite")
            text = "{jwt_secret: 'a secret of söme length'}"
            await admin.data("SaveSiteConfig", config_hjson=text, auth=hall.tokens["admin"])
            with pytest.raises(ConnectionClosed):
                await ann.hear()
            await nobody.data("GetSite")
            refused = await admin.ask("GetSiteConfig", auth=hall.tokens["admin"])
            assert refused["error"] == "not_logged_in"
        assert await hall.refused("/site/config", "admin", "PUT", config_hjson="") == "not_logged_in"
        hall.tokens["admin"] = (await hall.send("/user/login", username_or_email="admin", password="pw"))["jwt"]
        # The secret's own bytes are the key (lemmy §3.1).
        signed, _, signature = hall.tokens["admin"].rpartition(".")
        digest = hmac.digest("a secret of söme length".encode(), signed.encode(), "sha256")
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == signature
        # A token from the command line, which knows the configuration file only.
        hall.tokens["ann"] = await hall.house.db.write(
            lambda tx: issue_token(tx, accounts.get_account_named(tx, "ann"), hall.clock(), hall.house.given)
        )
        await hall.get("/user/followed_communities", "ann")
        # The same secret again changes nothing.
        await save(hall, f"# same\n{text}")
        await hall.get("/site/config", "admin")
        await save(hall, "")
        assert await hall.refused("/site/config", "admin", "PUT", config_hjson="") == "not_logged_in"

    run_in_hall(SqliteEngine(tmp_path / "community.db"), act)


def test_a_site_is_set_up_from_it_once(tmp_path: Path) -> None:
    text = "{setup: {admin_username: 'boss', admin_password: 'pw', site_name: 'Town'}, hostname: 'town.example'}"
    (tmp_path / "site.hjson").write_text(text)

    async def run() -> None:
        async with hall_on(SqliteEngine(tmp_path / "community.db")) as hall:
            house = hall.house
            house.given = house.config = Config(data=Data(dir=str(tmp_path)), forum=Forum(site_file="site.hjson"))
            await settings.settle(house)
            found = await hall.get("/site")
            assert (found["site"]["name"], found["site"]["description"]) == ("Town", None)
            flags = ("enable_downvotes", "open_registration", "enable_nsfw")
            assert [found["site"][flag] for flag in flags] == [False] * 3
            assert [each["name"] for each in found["admins"]] == ["boss"]
            main = await hall.get("/community")
            assert [each["user_name"] for each in main["moderators"]] == ["boss"]
            hall.tokens["admin"] = (await hall.send("/user/login", username_or_email="boss", password="pw"))["jwt"]
            assert (await hall.get("/site/config", "admin"))["config_hjson"] == text
            assert await hall.get("/site") == found
            # What was changed here is not taken from the file again.
            await save(hall, "")
            await settings.settle(house)
            assert house.config.site.hostname == "localhost"

    asyncio.run(run())


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_a_bad_site_file_keeps_the_server_from_starting(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "site.hjson").write_bytes(content)

    async def run() -> None:
        async with hall_on(SqliteEngine(tmp_path / "community.db")) as hall:
            hall.house.config = Config(forum=Forum(site_file=str(tmp_path / "site.hjson")))
            with pytest.raises(Invalid):
                await settings.settle(hall.house)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("words", "relay"),
    [
        ({}, "smtp://mail.example:25"),
        ({"use_tls": True}, "smtp+starttls://mail.example:25"),
        ({"smtp_server": "mail.example:465", "use_tls": True}, "smtps://mail.example:465"),
        ({"smtp_login": "a@b", "smtp_password": "p:/@"}, "smtp://a%40b:p%3A%2F%40@mail.example:25"),
    ],
)
def test_mail(words: dict[str, Any], relay: str) -> None:
    given = {"smtp_server": "mail.example:25", "smtp_from_address": "town@example", **words}
    config = settings.lay_over(Config(), settings.read(json.dumps({"email": given})))
    assert (config.mail.relay, config.forum.mail_from) == (relay, "town@example")
