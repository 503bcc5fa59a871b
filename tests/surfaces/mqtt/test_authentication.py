"""The chain of authenticators over REST (contract §2.11), and what it does to MQTT clients."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest
from aiomqtt import ProtocolVersion

from folkmoot.config import Config, Limits, Mqtt
from folkmoot.domain import accounts
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario

BUILT_IN = {"mechanism": "password_based", "backend": "built_in_database"}
SCRAM = {"mechanism": "scram", "backend": "built_in_database"}
HMAC = {"mechanism": "jwt", "use_jwks": False, "algorithm": "hmac-based", "secret": "deep secret"}
HTTP = {"mechanism": "password_based", "backend": "http", "method": "post", "url": "http://127.0.0.1:9/auth"}
ID = "password_based:built_in_database"
PATH = "/authentication/password_based%3Abuilt_in_database"


async def code(here: Running, name: str | None, password: str | None = None, **options: Any) -> int:
    """What CONNACK says to an MQTT 5 client."""
    options.setdefault("protocol", ProtocolVersion.V5)
    try:
        async with aiomqtt.Client("127.0.0.1", here.port, username=name, password=password, **options):
            return 0
    except aiomqtt.MqttCodeError as error:
        reason: Any = error.rc
        return int(getattr(reason, "value", reason))


async def make(here: Running, *documents: dict[str, Any]) -> None:
    for document in documents:
        answer = await here.ask("POST", "/authentication", json=document)
        assert answer.status_code == 200, answer.text


async def add_user(here: Running, user_id: str, password: str, path: str = PATH, **more: Any) -> None:
    answer = await here.ask("POST", f"{path}/users", json={"user_id": user_id, "password": password, **more})
    assert answer.status_code == 201, answer.text


def test_the_life_of_an_authenticator(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        assert (await here.ask("GET", "/authentication")).json() == []
        answer = await here.ask("POST", "/authentication", json=BUILT_IN)
        assert answer.status_code == 200
        made = answer.json()
        assert made == {
            "id": ID,
            **BUILT_IN,
            "enable": True,
            "user_id_type": "username",
            "password_hash_algorithm": {"name": "sha256", "salt_position": "prefix"},
            "bootstrap_file": "",
            "bootstrap_type": "plain",
        }
        assert_error(await here.ask("POST", "/authentication", json=BUILT_IN), 409, "ALREADY_EXISTS")
        assert (await here.ask("GET", PATH)).json() == made
        assert (await here.ask("GET", "/authentication")).json() == [made]

        changed = {**made, "enable": False, "password_hash_algorithm": {"name": "bcrypt"}}
        answer = await here.ask("PUT", PATH, json=changed)
        assert (answer.status_code, answer.content) == (204, b"")
        shown = (await here.ask("GET", PATH)).json()
        assert shown == {**changed, "password_hash_algorithm": {"name": "bcrypt", "salt_rounds": 10}}
        assert_error(await here.ask("PUT", PATH, json=SCRAM), 400, "BAD_REQUEST")

        answer = await here.ask("DELETE", PATH)
        assert (answer.status_code, answer.content) == (204, b"")
        for method, tail, body in (
            ("GET", "", None),
            ("PUT", "", BUILT_IN),
            ("DELETE", "", None),
            ("GET", "/status", None),
            ("PUT", "/position/front", None),
            ("GET", "/users", None),
            ("POST", "/users", {"user_id": "a", "password": "b"}),
            ("GET", "/users/a", None),
            ("PUT", "/users/a", {}),
            ("DELETE", "/users/a", None),
            ("POST", "/import_users", []),
        ):
            assert_error(await here.ask(method, PATH + tail, json=body), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_what_makes_no_sense_names_its_field(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for document, field in (
            ({}, "mechanism"),
            ({**BUILT_IN, "user_id_type": "x"}, "user_id_type"),
            ({**BUILT_IN, "bootstrap_file": "none.csv"}, "bootstrap_file"),
            ({**HTTP, "url": "x"}, "url"),
            ({**HMAC, "algorithm": "none"}, "algorithm"),
            ({"mechanism": "jwt", "algorithm": "public-key", "public_key": "x"}, "public_key"),
        ):
            answer = await here.ask("POST", "/authentication", json=document)
            assert_error(answer, 400, "BAD_REQUEST")
            assert field in answer.json()["message"]
        assert_error(await here.ask("POST", "/authentication", json=[]), 400, "BAD_REQUEST")
        assert (await here.ask("GET", "/authentication")).json() == []

    scenario(tmp_path, play)


def test_order(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, BUILT_IN, HMAC, SCRAM)

        async def ids() -> list[str]:
            return [each["id"] for each in (await here.ask("GET", "/authentication")).json()]

        assert await ids() == [ID, "jwt", "scram:built_in_database"]
        for position, wanted in (
            ("rear", ["jwt", "scram:built_in_database", ID]),
            ("front", [ID, "jwt", "scram:built_in_database"]),
            ("after:jwt", ["jwt", ID, "scram:built_in_database"]),
            ("before%3Ajwt", [ID, "jwt", "scram:built_in_database"]),
        ):
            assert (await here.ask("PUT", f"{PATH}/position/{position}")).status_code == 204
            assert await ids() == wanted
        assert_error(await here.ask("PUT", f"{PATH}/position/up"), 400, "BAD_REQUEST")
        assert_error(await here.ask("PUT", f"{PATH}/position/before:x"), 404, "NOT_FOUND")
        wanted = ["scram:built_in_database", "jwt", ID]
        answer = await here.ask("PUT", "/authentication/order", json=[{"id": each} for each in wanted])
        assert (answer.status_code, await ids()) == (204, wanted)
        body: Any
        for body in ([{"id": "jwt"}], [{"id": each} for each in (*wanted, "x")], [], {}):
            assert_error(await here.ask("PUT", "/authentication/order", json=body), 400, "BAD_REQUEST")
        assert await ids() == wanted

    scenario(tmp_path, play)


def test_secrets_are_not_shown_and_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def play(here: Running) -> None:
        await make(here, HMAC, {**HTTP, "headers": {"authorization": "Bearer deep"}, "body": {"p": "${password}"}})
        shown = (await here.ask("GET", "/authentication")).json()
        assert shown[0]["secret"] == shown[1]["headers"]["authorization"] == "******"
        assert shown[1]["body"] == {"p": "${password}"}
        assert (await here.ask("PUT", "/authentication/jwt", json={**shown[0], "enable": False})).status_code == 204
        kept = here.management.authentication.get("jwt").config
        assert (kept.secret, kept.enable) == ("deep secret", False)  # type: ignore[union-attr]

    with caplog.at_level(logging.DEBUG):
        scenario(tmp_path, play)
    assert "deep" not in caplog.text


def test_users(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, BUILT_IN, SCRAM, HMAC)
        for path in (PATH, "/authentication/scram:built_in_database"):
            answer = await here.ask("POST", f"{path}/users", json={"user_id": "dev/1", "password": "p"})
            assert (answer.status_code, answer.json()) == (201, {"user_id": "dev/1", "is_superuser": False})
            again = await here.ask("POST", f"{path}/users", json={"user_id": "dev/1", "password": "q"})
            assert_error(again, 409, "ALREADY_EXISTS")
            for body in ({}, {"user_id": "x"}, {"password": "x"}, {"user_id": "", "password": "x"}, {"user_id": 1}):
                assert_error(await here.ask("POST", f"{path}/users", json=body), 400, "BAD_REQUEST")
            await add_user(here, "dev2", "p", path, is_superuser=True)
            one = f"{path}/users/dev%2F1"
            assert (await here.ask("GET", one)).json() == {"user_id": "dev/1", "is_superuser": False}
            answer = await here.ask("PUT", one, json={"is_superuser": True})
            assert (answer.status_code, answer.json()) == (200, {"user_id": "dev/1", "is_superuser": True})
            assert (await here.ask("PUT", one, json={"password": "q"})).json()["is_superuser"] is True
            page = (await here.ask("GET", f"{path}/users?limit=1&like_user_id=dev")).json()
            assert page["meta"] == {"page": 1, "limit": 1, "count": 2, "hasnext": True} and len(page["data"]) == 1
            for query, count in (("is_superuser=true", 2), ("is_superuser=false", 0), ("like_user_id=2", 1)):
                assert (await here.ask("GET", f"{path}/users?{query}")).json()["meta"]["count"] == count
            assert (await here.ask("DELETE", one)).status_code == 204
            sent: Any
            for method, sent in (("GET", None), ("PUT", {"password": "x"}), ("DELETE", None)):
                assert_error(await here.ask(method, one, json=sent), 404, "NOT_FOUND")
        assert_error(await here.ask("GET", "/authentication/jwt/users"), 400, "BAD_REQUEST")
        # The users go with their authenticator.
        await here.ask("DELETE", PATH)
        await make(here, BUILT_IN)
        assert (await here.ask("GET", f"{PATH}/users")).json()["data"] == []

    scenario(tmp_path, play)


def test_import(tmp_path: Path) -> None:
    hashed = hashlib.sha256(b"saltpublic").hexdigest()

    async def play(here: Running) -> None:
        await make(here, BUILT_IN, SCRAM)
        await add_user(here, "old", "secret")

        async def load(query: str, path: str = PATH, **body: Any) -> httpx.Response:
            return await here.ask("POST", f"{path}/import_users{query}", **body)

        csv = b"user_id,password,is_superuser\nann2,public,true\nold,public,false\n,public,false\n"
        answer = await load("?type=plain", files={"filename": ("users.csv", csv)})
        assert answer.status_code == 200
        assert answer.json() == {"total": 3, "success": 1, "override": 1, "skipped": 0, "failed": 1}
        rows = [{"user_id": "bob", "password_hash": hashed, "salt": "salt", "is_superuser": False}]
        answer = await load("", files={"filename": ("users.json", json.dumps(rows).encode())})
        assert answer.json() == {"total": 1, "success": 1, "override": 0, "skipped": 0, "failed": 0}
        answer = await load("?type=plain", json=[{"user_id": "cid", "password": "public"}])
        assert answer.json()["success"] == 1
        for name in ("ann2", "old", "bob", "cid"):
            assert await code(here, name, "public") == 0
        assert (await here.ask("GET", f"{PATH}/users/ann2")).json()["is_superuser"] is True
        scram = "/authentication/scram:built_in_database"
        assert (await load("?type=plain", scram, json=[{"user_id": "a", "password": "b"}])).json()["success"] == 1
        assert_error(await load("?type=hash", scram, json=rows), 400, "BAD_REQUEST")
        for query, body in (
            ("?type=other", {"json": rows}),
            ("", {"files": {"filename": ("users.txt", csv)}}),
            ("", {"files": {"other": ("users.csv", csv)}}),
            ("", {"files": {"filename": ("users.csv", csv)}}),
            ("", {"content": b"{"}),
            ("", {}),
        ):
            assert_error(await load(query, **body), 400, "BAD_REQUEST")

    scenario(tmp_path, play)


def test_a_file_to_begin_with(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        (tmp_path / "users.csv").write_text("user_id,password,is_superuser\ndev,public,true\n")
        await make(here, {**BUILT_IN, "bootstrap_file": "users.csv"})
        assert await code(here, "dev", "public") == 0
        await here.ask("PUT", f"{PATH}/users/dev", json={"password": "changed"})
        # Who is there already stays as he is.
        assert (await here.ask("PUT", PATH, json={**BUILT_IN, "bootstrap_file": "users.csv"})).status_code == 204
        assert (await code(here, "dev", "changed"), await code(here, "dev", "public")) == (0, 0x86)
        (tmp_path / "broken.csv").write_text("nothing\n")
        answer = await here.ask("PUT", PATH, json={**BUILT_IN, "bootstrap_file": str(tmp_path / "broken.csv")})
        assert_error(answer, 400, "BAD_REQUEST")
        assert "bootstrap_file" in answer.json()["message"] and "nothing" not in answer.json()["message"]

    scenario(tmp_path, play)


def test_the_chain(tmp_path: Path) -> None:
    heard: list[tuple[str | None, str]] = []

    async def play(here: Running) -> None:
        here.stream.broker.happenings.authenticated.append(
            lambda client, word, now: heard.append((client.username, word))
        )
        assert await code(here, None) == 0
        await make(here, BUILT_IN)
        for name in ("dev", "ann"):
            await add_user(here, name, "public", is_superuser=name == "dev")
        heard.clear()
        # Yes, no, and nobody has anything to say.
        assert await code(here, "dev", "public", identifier="d") == 0
        assert await code(here, "dev", "wrong") == 0x86
        assert await code(here, "dev", None) == 0x86
        assert await code(here, "nobody", "public") == 0x87
        assert await code(here, None) == 0x87
        assert heard == [
            ("dev", "success"),
            ("dev", "bad_username_or_password"),
            ("dev", "bad_username_or_password"),
            ("nobody", "not_authorized"),
            (None, "not_authorized"),
        ]
        # Accounts come behind: the first word counts, and it makes nobody an account.
        assert await code(here, "admin", "public") == 0
        assert await code(here, "ann", "secret") == 0x86
        async with here.client("ann", "public", identifier="pretender"):
            session = here.stream.broker.sessions["pretender"]
            assert (session.identity.account_id, session.identity.name) == (None, "ann")
            assert not session.client.is_superuser
        async with here.client("dev", "public", identifier="super"):
            assert here.stream.broker.sessions["super"].client.is_superuser
        async with here.client("admin", "public", identifier="mine"):
            assert here.stream.broker.sessions["mine"].identity.account_id
        # MQTT 3 has fewer words.
        assert await code(here, "dev", "wrong", protocol=ProtocolVersion.V311) != 0

        status = (await here.ask("GET", f"{PATH}/status")).json()
        metrics = status["metrics"]
        assert [metrics[name] for name in ("total", "success", "failed", "nomatch")] == [11, 3, 4, 4]
        assert 0 < metrics["rate_last5m"] <= metrics["rate"] <= metrics["rate_max"]
        assert status["status"] == "connected" and status["node_status"] == [{"node": NODE, "status": "connected"}]
        assert status["node_metrics"] == [{"node": NODE, "metrics": metrics}] and status["node_error"] == []
        assert status["resource_metrics"] == {}
        assert status["node_resource_metrics"] == [{"node": NODE, "metrics": {}}]
        counted = (await here.ask("GET", "/metrics?aggregate=true")).json()
        assert counted["authentication.success.anonymous"] == 1
        assert counted["client.auth.anonymous"] == 1
        assert counted["authentication.success"] == 6 and counted["authentication.failure"] == 6
        assert counted["client.authenticate"] == 12

        # Switched off it counts as none.
        await here.ask("PUT", PATH, json={**BUILT_IN, "enable": False})
        assert await code(here, None) == 0
        assert await code(here, "ann", "secret") == 0
        assert await code(here, "dev", "public") == 0x86
        assert (await here.ask("GET", f"{PATH}/status")).json()["status"] == "stopped"

    scenario(tmp_path, play)


def test_client_identifiers_and_slow_hashes(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        algorithm = {"name": "pbkdf2", "mac_fun": "sha256", "iterations": 100}
        await make(here, {**BUILT_IN, "user_id_type": "clientid", "password_hash_algorithm": algorithm})
        await add_user(here, "sensor", "public")
        assert await code(here, "whoever", "public", identifier="sensor") == 0
        assert await code(here, "sensor", "public", identifier="other") == 0x87
        assert await code(here, "whoever", "wrong", identifier="sensor") == 0x86

    scenario(tmp_path, play)


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    async def first(here: Running) -> None:
        await make(here, HMAC, BUILT_IN)
        await add_user(here, "dev", "public")
        await here.ask("PUT", f"{PATH}/position/front")

    async def second(here: Running) -> None:
        assert [each["id"] for each in (await here.ask("GET", "/authentication")).json()] == [ID, "jwt"]
        assert here.management.authentication.get("jwt").config.secret == "deep secret"  # type: ignore[union-attr]
        assert (await code(here, "dev", "public"), await code(here, None)) == (0, 0x87)

    scenario(tmp_path, first)
    scenario(tmp_path, second)


def test_damage_lets_nobody_in_unasked(tmp_path: Path) -> None:
    async def first(here: Running) -> None:
        await here.house.broker_db.write(
            lambda tx: tx.run(
                "INSERT INTO settings (name, content, changed_at) VALUES ('authentication', :content, 0)",
                content='[{"mechanism": "telepathy"}]',
            )
        )

    async def second(here: Running) -> None:
        assert (await code(here, None), await code(here, "admin", "public")) == (0x87, 0)
        await make(here, BUILT_IN)
        await here.ask("DELETE", PATH)
        assert await code(here, None) == 0

    scenario(tmp_path, first)
    scenario(tmp_path, second)


@pytest.mark.parametrize(
    ("setting", "near", "far"),
    [("loopback", 0, 0x87), ("everybody", 0, 0), ("nobody", 0x87, 0x87), (True, 0, 0), (False, 0x87, 0x87)],
)
def test_anonymous_clients(tmp_path: Path, setting: bool | str, near: int, far: int) -> None:
    async def play(here: Running) -> None:
        async def found(address: str) -> int:
            opened = here.stream.broker.open

            def elsewhere(*args: Any, **options: Any) -> Any:
                link = opened(*args, **options)
                link.client.address = address
                return link

            here.stream.broker.open = elsewhere  # type: ignore[method-assign]
            try:
                return await code(here, None)
            finally:
                here.stream.broker.open = opened  # type: ignore[method-assign]

        assert [await found(each) for each in ("127.0.0.1", "::1", "::ffff:127.0.0.1")] == [near] * 3
        assert [await found(each) for each in ("10.0.0.1", "::ffff:10.0.0.1", "")] == [far] * 3

    scenario(tmp_path, play, Config(limits=Limits(enabled=False), mqtt=Mqtt(anonymous=setting)))


def test_listeners_that_ask_less(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, BUILT_IN)
        listener = (await here.ask("GET", "/listeners/tcp:default")).json()
        for flag, found in (
            (False, [0, 0, 0]),
            ("quick_deny_anonymous", [0x87, 0x87, 0]),
            (True, [0x87, 0x87, 0]),
        ):
            answer = await here.ask("PUT", "/listeners/tcp:default", json={**listener, "enable_authn": flag})
            assert answer.status_code == 200, answer.text
            codes = [await code(here, None), await code(here, "x", "y"), await code(here, "admin", "public")]
            assert codes == found, flag
            if flag is False:
                async with here.client("admin", "whatever", identifier="c"):
                    assert here.stream.broker.sessions["c"].identity.account_id is None
        status = (await here.ask("GET", f"{PATH}/status")).json()
        # Nobody without a name was even asked about.
        assert status["metrics"]["total"] == 2 + 3

    scenario(tmp_path, play)


def test_who_may(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for role, may in (("administrator", True), ("viewer", False), ("publisher", None)):
            made = (await here.ask("POST", "/api_key", json={"name": role, "role": role})).json()
            key = httpx.BasicAuth(made["api_key"], made["api_secret"])
            reads = (await here.ask("GET", "/authentication", auth=key)).status_code
            writes = (await here.ask("PUT", "/authentication/order", auth=key, json=[])).status_code
            assert (reads, writes) == (403 if may is None else 200, 204 if may else 403)
        assert (await here.ask("GET", "/authentication", auth=None)).status_code == 401

    scenario(tmp_path, play)


def test_a_token_is_still_a_token(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, BUILT_IN)
        house = here.house
        ann = await house.db.read(accounts.get_account_named, "ann")
        await house.db.write(accounts.create_token, ann.id, "mqtt", "thing-secret", house.now(), name="t", key="thing")
        async with here.client("thing", "thing-secret", identifier="t"):
            assert here.stream.broker.sessions["t"].identity.account_id == ann.id
        assert await code(here, "thing", "wrong") == 0x87

    scenario(tmp_path, play)


def test_many_at_once_do_not_wait_for_one(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, {**BUILT_IN, "password_hash_algorithm": {"name": "bcrypt", "salt_rounds": 11}})
        await add_user(here, "slow", "public")
        slow = [asyncio.create_task(code(here, "slow", "public", identifier=f"s{place}")) for place in range(8)]
        await asyncio.sleep(0)
        assert await code(here, "nobody", "x") == 0x87
        assert not all(task.done() for task in slow)
        assert await asyncio.gather(*slow) == [0] * 8

    scenario(tmp_path, play)
