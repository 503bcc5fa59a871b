"""The pages over real sockets: what they show, to whom, and what their forms change."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from folkmoot.config import Config, Mail, Site
from folkmoot.domain import accounts, outbox, subscriptions
from folkmoot.store import Engine, Transaction
from tests.surfaces.web.town import HOSTILE, NOW, Town, catch_mail, town_on, visitor_of

Scenario = Callable[[Town, httpx.AsyncClient], Awaitable[None]]


def run(engine: Engine, scenario: Scenario, config: Config | None = None, *, demo: bool = False) -> None:
    async def whole() -> None:
        async with town_on(engine, config, demo=demo) as town, visitor_of(town) as client:
            await scenario(town, client)

    asyncio.run(whole())


def shown_text(page: str) -> str:
    """What a reader sees: no tags, no entities."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def csrf_of(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found = re.search(r'name="_csrf" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1]


# --- the first page -------------------------------------------------------------------------------------------------


def test_the_first_page_shows_what_runs_and_what_is_said(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await town.house.db.write(catch_mail, "A caught mail", "text", ["a@example.org"])
        answer = await client.get("/")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        seen = shown_text(answer.text)
        for words in ("Little town", "Where everybody talks.", "Hello town", "Is anybody here?", "The square"):
            assert words in seen, words
        for words in ("~olive/square@example.net", "spaces/square/messages", "A caught mail", "people 1", "messages 1"):
            assert words in seen, words
        for example in (
            """echo '{"op": "ListCategories"}' | websocat ws://127.0.0.1:8536/api/v1/ws""",
            'curl -u "USER:TOKEN" http://127.0.0.1:9000/api/lists',
            "curl http://127.0.0.1:18083/status",
            "mosquitto_sub -h 127.0.0.1 -p 1883 -v -t 'spaces/+/messages'",
            "swaks --server 127.0.0.1:2525 --from you@example.org --to '~olive/square@example.net'",
        ):
            assert example in seen, example
        links = [html.unescape(each) for each in re.findall(r'href="([^"]+)"', answer.text)]
        archive = [each for each in links if each.startswith("http://127.0.0.1:5006/~olive/square/%3C")]
        assert archive and archive[0].endswith("%40example.net%3E")
        assert any(each.startswith("http://127.0.0.1:8536/api/v1/post?id=") for each in links)

    run(engine, scenario)


def test_a_listener_that_is_off_has_no_door(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        del town.listeners["smtp"], town.listeners["newsletter"]
        seen = shown_text((await client.get("/")).text)
        assert "swaks --server" not in seen and "listmonk" not in seen and "swaks --protocol LMTP" in seen

    run(engine, scenario)


def test_the_demo_says_so_with_the_published_credential(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        seen = shown_text((await client.get("/")).text)
        assert "This is the demo" in seen and 'curl -u "api_user:token"' in seen

    run(engine, scenario, demo=True)


def test_new_messages_appear_soon(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await client.get("/")
        await town.house.db.write(town.post, "Breaking news", "It rains.")
        for _ in range(100):
            if "Breaking news" in (await client.get("/")).text:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the message did not appear")

    run(engine, scenario)


def test_hostile_words_stay_text(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await town.house.db.write(town.post, HOSTILE, HOSTILE)
        await town.house.db.write(catch_mail, HOSTILE, HOSTILE, ["a@example.org"])
        mails = await town.house.db.read(outbox.list_mails, 1)
        for path in ("/", "/mail", f"/mail/{mails[0].id}"):
            page = (await client.get(path)).text
            assert "<script" not in page and "<img src=x" not in page, path
            assert HOSTILE in html.unescape(page), path

    run(engine, scenario)


def test_health_is_good_only_when_everything_is_up(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        answer = await client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert answer.json()["listeners"]["mqtt"] == "127.0.0.1:1883"
        assert answer.headers["content-type"] == "application/json"
        town.is_ready = False
        answer = await client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "starting")

    run(engine, scenario)


def test_static_files_and_what_is_not_there(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        kinds = {"folkmoot.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"}
        for name, kind in kinds.items():
            answer = await client.get(f"/static/{name}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        for path in ("/nothing", "/static/..%2Frender.py", "/static/x", "/mail/x", "/mail/999", "/subscriptions/x"):
            answer = await client.get(path)
            assert answer.status_code == 404, path
            assert "Nothing here" in answer.text and "content-security-policy" in answer.headers
        assert (await client.delete("/")).status_code == 405
        assert (await client.get("/mail?before=x")).status_code == 400

    run(engine, scenario)


# --- outgoing mail --------------------------------------------------------------------------------------------------


def test_caught_mail_can_be_read_and_downloaded(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        for number in range(35):
            await town.house.db.write(
                catch_mail, f"Mail {number}", f"Line {number} http://x.org/", ["a@x.org", "b@x.org"]
            )
        page = (await client.get("/mail")).text
        assert "Mail 34" in page and "Mail 5" in page and "Mail 4<" not in page
        assert "and 1 more" in shown_text(page)
        older = re.search(r'href="(/mail\?before=\d+)"', page)
        assert older is not None
        assert "Mail 4<" in (await client.get(older[1])).text
        newest = (await town.house.db.read(outbox.list_mails, 1))[0]
        seen = shown_text((await client.get(f"/mail/{newest.id}")).text)
        for words in ("Mail 34", "Line 34", "a@x.org", "b@x.org", "<1@example.net>", "noreply@example.net"):
            assert words in seen, words
        raw = await client.get(f"/mail/{newest.id}/raw")
        assert raw.content == await town.house.db.read(outbox.get_body, newest.id)
        assert raw.headers["content-type"].startswith("message/rfc822")
        assert raw.headers["content-disposition"] == f'attachment; filename="mail-{newest.id}.eml"'

    run(engine, scenario)


@pytest.mark.parametrize("data", [b"", b"no header at all", b"Subject: =?x?q?\xff\r\n\r\n\xff\xfe", b"A: b\r\n\r\n\0"])
def test_unreadable_mail_is_shown_all_the_same(engine: Engine, data: bytes) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await town.house.db.write(outbox.enqueue, data, "", ["a@x.org"], NOW)
        newest = (await town.house.db.read(outbox.list_mails, 1))[0]
        for path in ("/", "/mail", f"/mail/{newest.id}", f"/mail/{newest.id}/raw"):
            assert (await client.get(path)).status_code == 200, path

    run(engine, scenario)


@pytest.mark.parametrize(
    ("headers", "config", "demo", "is_shown"),
    [
        ({}, Config(), False, True),
        ({"Host": "localhost:8080"}, Config(), False, True),
        ({"Host": "[::1]:8080"}, Config(), False, True),
        ({"Host": "rebound.example"}, Config(), False, False),
        ({"Host": "rebound.example"}, Config(), True, True),
        ({"X-Forwarded-For": "192.0.2.1"}, Config(), False, False),
        ({}, Config(site=Site(web_url="https://town.example")), False, False),
        ({}, Config(mail=Mail(relay="smtp://mail.example:25")), False, False),
        ({}, Config(mail=Mail(relay="smtp://mail.example:25")), True, False),
    ],
)
def test_mail_is_shown_only_where_it_is_nobody_elses(
    engine: Engine, headers: dict[str, str], config: Config, demo: bool, is_shown: bool
) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await town.house.db.write(catch_mail, "Private matter", "text", ["a@example.org"])
        newest = (await town.house.db.read(outbox.list_mails, 1))[0]
        for path in ("/mail", f"/mail/{newest.id}", f"/mail/{newest.id}/raw"):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == (200 if is_shown else 403), path
            assert ("Private matter" in answer.text) is is_shown
        answer = await client.get("/", headers=headers)
        assert answer.status_code == 200 and ("Private matter" in answer.text) is is_shown

    run(engine, scenario, config, demo=demo)


# --- subscriptions --------------------------------------------------------------------------------------------------


def test_the_link_shows_and_changes_every_channel(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        path = town.manage_path()
        page = await client.get(path)
        seen = shown_text(page.text)
        assert "reader@example.org" in seen and "The square" in seen
        assert page.headers["cache-control"] == "no-store" and page.headers["x-robots-tag"] == "noindex"
        assert page.text.count(" checked") == 2
        shown = [f"{town.square}:{channel}" for channel in ("forum", "mail", "newsletter")]
        form = {"_csrf": await csrf_of(client, path), "shown": shown, "on": [shown[0], shown[1]]}
        answer = await client.post(path, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?saved=2")
        assert "Saved: 2 changes." in (await client.get(answer.headers["location"])).text
        assert await town.house.db.read(town.channels) == {"forum": True, "mail": True, "newsletter": False}
        # What the form did not show is left alone.
        await client.post(path, data={**form, "shown": shown[:1], "on": []})
        assert await town.house.db.read(town.channels) == {"forum": False, "mail": True, "newsletter": False}
        await client.post(path, data={"_csrf": form["_csrf"], "everything": "1"})
        assert not any((await town.house.db.read(town.channels)).values())

    run(engine, scenario)


def test_forged_forms_and_forged_links_change_nothing(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        path = town.manage_path()
        token = await csrf_of(client, path)
        before = await town.house.db.read(town.channels)
        cases: list[tuple[str, dict[str, str], dict[str, str], int]] = [
            (path, {}, {}, 403),
            (path, {"_csrf": "x"}, {}, 403),
            (path, {"_csrf": token}, {"Sec-Fetch-Site": "cross-site"}, 403),
            (path.replace("m.", "m.1"), {"_csrf": token}, {}, 404),
            (path[:-3], {"_csrf": token}, {}, 404),
            (path, {"_csrf": token, "everything": "", "shown": "1;mail"}, {}, 400),
            ("/subscriptions", {"address": "reader@example.org"}, {}, 403),
        ]
        for where, form, headers, status in cases:
            data = {"everything": "1", **form}
            assert (await client.post(where, data=data, headers=headers)).status_code == status, (where, form, headers)
        assert await town.house.db.read(town.channels) == before
        assert await town.house.db.read(outbox.count_by_state) == {}

    run(engine, scenario)


def test_one_click_unsubscribes_without_cookies(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        path = town.unsubscribe_path("mail")
        page = await client.get(path)
        assert (
            page.status_code == 200
            and "Unsubscribe?" in page.text
            and "the messages by mail of The square" in page.text
        )
        assert (await town.house.db.read(town.channels))["mail"]
        assert (await client.post(path, data={"other": "x"})).status_code == 400
        assert (await client.post(path)).status_code == 400
        assert (await town.house.db.read(town.channels))["mail"]
        for _ in range(2):
            async with visitor_of(town) as program:
                answer = await program.post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200 and "You no longer receive" in answer.text
        assert await town.house.db.read(town.channels) == {"forum": False, "mail": False, "newsletter": True}
        parts = {"List-Unsubscribe": (None, "One-Click")}
        assert (await client.post(town.unsubscribe_path("newsletter"), files=parts)).status_code == 200
        assert not any((await town.house.db.read(town.channels)).values())
        assert (await client.post(path + "x", data={"List-Unsubscribe": "One-Click"})).status_code == 404

    run(engine, scenario)


def test_a_link_is_mailed_to_whoever_is_known(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        token = await csrf_of(client, "/subscriptions")
        answers = []
        for address in ("stranger@example.org", " READER@example.org "):
            answer = await client.post("/subscriptions", data={"_csrf": token, "address": address})
            assert answer.status_code == 200
            answers.append(answer.text)
        assert answers[0] == answers[1], "the answer does not tell who is known"
        mails = await town.house.db.read(outbox.list_mails, 10)
        assert [each.recipient for each in mails] == ["reader@example.org"]
        body = (await town.house.db.read(outbox.get_body, mails[0].id)).decode()
        link = re.search(r"http://\S+", body)
        assert link is not None and link[0] == f"http://{town.address}{town.manage_path()}"
        assert (await client.get(link[0])).status_code == 200
        answer = await client.post("/subscriptions", data={"_csrf": token, "address": "reader@example.org"})
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 500
        town.clock[0] = NOW + timedelta(minutes=11)
        answer = await client.post("/subscriptions", data={"_csrf": token, "address": "reader@example.org"})
        assert answer.status_code == 200
        assert len(await town.house.db.read(outbox.list_mails, 10)) == 2
        assert (await client.post("/subscriptions", data={"_csrf": token, "address": "nobody"})).status_code == 400

    run(engine, scenario)


def test_nobody_is_mailed_who_was_shut_out(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        def shut_out(tx: Transaction) -> None:
            accounts.register(tx, "gone", None, NOW, address="gone@example.org")
            accounts.suspend(tx, "gone", NOW)

        await town.house.db.write(shut_out)
        token = await csrf_of(client, "/subscriptions")
        await client.post("/subscriptions", data={"_csrf": token, "address": "gone@example.org"})
        assert await town.house.db.read(outbox.list_mails, 10) == []

    run(engine, scenario)


def test_before_any_link_was_made_every_link_is_unknown(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await town.house.db.write(lambda tx: tx.run("DELETE FROM secrets"))
        assert (await client.get(subscriptions.manage_url("", "", town.reader))).status_code == 404

    run(engine, scenario)
