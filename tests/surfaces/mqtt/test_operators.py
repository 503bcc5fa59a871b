"""Dashboard users (contract §1.4, §2.1), and the file of API keys."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from folkmoot.config import Config, Limits, Mqtt
from folkmoot.domain import accounts
from tests.surfaces.mqtt.management import Running, assert_error, scenario

BOB = {"username": "bob_1", "password": "public-1", "description": "looks after it", "role": "administrator"}


async def log_in(here: Running, name: str, password: str) -> dict[str, str]:
    answer = await here.rest.post("/api/v5/login", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


async def reads(here: Running, bearer: dict[str, str]) -> int:
    return (await here.ask("GET", "/nodes", auth=None, headers=bearer)).status_code


def test_their_life(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        admin = {"username": "admin", "description": "administrator", "role": "administrator", "backend": "local"}
        assert (await here.ask("GET", "/users")).json() == [admin]
        answer = await here.ask("POST", "/users", json=BOB)
        bob = {"username": "bob_1", "description": "looks after it", "role": "administrator", "backend": "local"}
        assert (answer.status_code, answer.json()) == (200, bob)
        assert (await here.ask("GET", "/users")).json() == [admin, bob]
        assert_error(await here.ask("POST", "/users", json=BOB), 400, "BAD_REQUEST")
        assert_error(await here.ask("POST", "/users", json={**BOB, "username": "ann"}), 400, "BAD_REQUEST")

        bearer = await log_in(here, "bob_1", "public-1")
        assert await reads(here, bearer) == 200
        answer = await here.ask("PUT", "/users/bob_1", json={"description": "new"})
        assert answer.json() == {**bob, "description": "new"} and await reads(here, bearer) == 200
        answer = await here.ask("PUT", "/users/bob_1", json={"role": "viewer", "description": "x"})
        assert answer.json() == {**bob, "role": "viewer", "description": "x"}
        # A new role ends the logins.
        assert await reads(here, bearer) == 401

        bearer = await log_in(here, "bob_1", "public-1")
        answer = await here.ask("DELETE", "/users/bob_1")
        assert (answer.status_code, answer.content, await reads(here, bearer)) == (204, b"", 401)
        assert (await here.ask("GET", "/users")).json() == [admin]
        for method, tail, body in (
            ("PUT", "", {"description": "x"}),
            ("DELETE", "", None),
            ("POST", "/change_pwd", {"old_pwd": "public-1", "new_pwd": "public-2"}),
        ):
            assert_error(await here.ask(method, f"/users/bob_1{tail}", json=body), 404, "USER_NOT_FOUND")
        # It may be made again, with another password; the old one is nobody's.
        assert (await here.ask("POST", "/users", json={**BOB, "password": "public-3"})).json() == bob
        assert await reads(here, await log_in(here, "bob_1", "public-3")) == 200
        refused = await here.rest.post("/api/v5/login", json={"username": "bob_1", "password": "public-1"})
        assert refused.status_code == 401

    scenario(tmp_path, play)


def test_viewers_look(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await here.ask("POST", "/users", json={**BOB, "role": "viewer"})
        answer = await here.rest.post("/api/v5/login", json={"username": "bob_1", "password": "public-1"})
        assert answer.json()["role"] == "viewer"
        bearer = {"authorization": f"Bearer {answer.json()['token']}"}
        basic = httpx.BasicAuth("bob_1", "public-1")
        assert await reads(here, bearer) == (await here.ask("GET", "/users", auth=basic)).status_code == 200
        for method, path in (
            ("POST", "/users"),
            ("DELETE", "/users/admin"),
            ("POST", "/publish"),
            ("POST", "/api_key"),
        ):
            assert_error(await here.ask(method, path, auth=basic, json={}), 403, "UNAUTHORIZED_ROLE")
        change = {"old_pwd": "public-1", "new_pwd": "public-2"}
        other = {"old_pwd": "public", "new_pwd": "public-2"}
        answer = await here.ask("POST", "/users/admin/change_pwd", auth=basic, json=other)
        assert_error(answer, 403, "UNAUTHORIZED_ROLE")
        assert (await here.ask("POST", "/users/bob_1/change_pwd", auth=basic, json=change)).status_code == 204
        assert await reads(here, bearer) == 401
        bob = await here.house.db.read(accounts.get_account_named, "bob_1")
        assert not bob.is_admin

    scenario(tmp_path, play)


def test_who_stays(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        assert_error(await here.ask("DELETE", "/users/admin"), 400, "NOT_ALLOWED")
        assert_error(await here.ask("PUT", "/users/admin", json={"role": "viewer"}), 400, "NOT_ALLOWED")
        await here.ask("POST", "/users", json=BOB)
        basic = httpx.BasicAuth("bob_1", "public-1")
        for name in ("admin", "bob_1"):
            assert_error(await here.ask("DELETE", f"/users/{name}", auth=basic), 400, "NOT_ALLOWED")
        made = (await here.ask("POST", "/api_key", json={"name": "k"})).json()
        key = httpx.BasicAuth(made["api_key"], made["api_secret"])
        for method, path in (
            ("GET", "/users"),
            ("POST", "/users"),
            ("PUT", "/users/bob_1"),
            ("DELETE", "/users/bob_1"),
        ):
            assert_error(await here.ask(method, path, auth=key, json={}), 401, "WRONG_USERNAME_OR_PWD")

    scenario(tmp_path, play)


def test_what_an_account_has_said_stays(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        house = here.house
        ann = await house.db.read(accounts.get_account_named, "ann")
        admin = await house.db.read(accounts.get_account_named, "admin")
        actor = await house.db.read(accounts.actor_of_account, admin.id, house.now())
        await house.db.write(accounts.set_admin, actor, ann.id, True)
        assert [each["username"] for each in (await here.ask("GET", "/users")).json()] == ["admin", "ann"]
        assert (await here.ask("DELETE", "/users/ann")).status_code == 204
        found = await house.db.read(accounts.get_account_named, "ann")
        # No longer an administrator, and otherwise as before.
        assert (found.is_admin, found.suspended_at) == (False, None)
        async with here.client("ann", "secret"):
            pass
        assert_error(await here.ask("POST", "/users", json={**BOB, "username": "ann"}), 400, "BAD_REQUEST")

    scenario(tmp_path, play)


def test_names_and_passwords(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for change in (
            {"username": ""},
            {"username": "a b"},
            {"username": "a-b"},
            {"username": "a" * 101},
            {"username": "bob\n"},
            {"password": "short-1"},
            {"password": "a1" * 33},
            {"password": "onlyletters"},
            {"password": "1234567890"},
            {"password": "gruß-1234"},
            {"password": "tab\t-1234"},
            {"role": "publisher"},
            {"description": 5},
        ):
            assert_error(await here.ask("POST", "/users", json={**BOB, **change}), 400, "BAD_REQUEST")
        assert len((await here.ask("GET", "/users")).json()) == 1
        long = {**BOB, "username": "a" * 100}
        assert (await here.ask("POST", "/users", json=long)).json()["username"] == "a" * 100
        assert await reads(here, await log_in(here, "a" * 100, "public-1")) == 200
        assert (await here.ask("DELETE", f"/users/{long['username']}")).status_code == 204
        await here.ask("POST", "/users", json=BOB)
        path = "/users/bob_1/change_pwd"
        answer = await here.ask("POST", path, json={"old_pwd": "wrong", "new_pwd": "public-2"})
        assert_error(answer, 400, "ERROR_PWD_NOT_MATCH")
        answer = await here.ask("POST", path, json={"old_pwd": "public-1", "new_pwd": "short"})
        assert_error(answer, 400, "BAD_REQUEST")
        bearer = await log_in(here, "bob_1", "public-1")
        answer = await here.ask("POST", path, json={"old_pwd": "public-1", "new_pwd": "public-2"})
        assert (answer.status_code, answer.content, await reads(here, bearer)) == (204, b"", 401)
        assert await reads(here, await log_in(here, "bob_1", "public-2")) == 200

    scenario(tmp_path, play)


def test_keys_from_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = Config(limits=Limits(enabled=False), mqtt=Mqtt(api_key_file="keys"))

    async def first(here: Running) -> None:
        auth = httpx.BasicAuth("key1", "secret1")
        assert (await here.ask("GET", "/nodes", auth=auth)).status_code == 200
        viewer = httpx.BasicAuth("key2", "secret2")
        assert (await here.ask("GET", "/nodes", auth=viewer)).status_code == 200
        assert_error(await here.ask("POST", "/publish", auth=viewer, json={}), 403, "UNAUTHORIZED_ROLE")
        named = {each["api_key"]: each["name"] for each in (await here.ask("GET", "/api_key")).json()}
        assert set(named) == {"key1", "key2"} and named["key1"].startswith("from_bootstrap_file_")

    async def second(here: Running) -> None:
        assert (await here.ask("GET", "/nodes", auth=httpx.BasicAuth("key1", "secret1"))).status_code == 401
        assert (await here.ask("GET", "/nodes", auth=httpx.BasicAuth("key1", "other"))).status_code == 200
        assert len((await here.ask("GET", "/api_key")).json()) == 2

    (tmp_path / "keys").write_text("key1:secret1\n\nkey2:secret2:viewer\nbroken\nkey3:x:king\n")
    scenario(tmp_path, first, config)
    (tmp_path / "keys").write_text("key1:other\n")
    scenario(tmp_path, second, config)
    assert "secret1" not in caplog.text
