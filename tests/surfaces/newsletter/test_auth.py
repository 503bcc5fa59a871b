"""Who gets in, and what their permissions let them do."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable

import pytest

from folkmoot.domain import accounts
from folkmoot.domain.accounts import Actor
from folkmoot.errors import Forbidden
from folkmoot.store import Engine
from folkmoot.surfaces.newsletter import auth
from tests.surfaces.newsletter.desk import NOW, Desk, desk_on


def run(engine: Engine, scenario: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with desk_on(engine) as desk:
            await scenario(desk)

    asyncio.run(whole())


def basic(pair: bytes) -> str:
    return base64.b64encode(pair).decode()


def test_both_schemes_are_taken_in_any_case(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        pair = basic(b"api_user:token")
        for header in (f"Basic {pair}", f"basic {pair}", "token api_user:token", "Token  api_user:token"):
            answer = await desk.client.get("/api/health", headers={"Authorization": header})
            assert (answer.status_code, answer.json()) == (200, {"data": True}), header
        await desk.hire("colon", "se:cret", "")
        answer = await desk.client.get("/api/health", headers={"Authorization": "token colon:se:cret"})
        assert answer.status_code == 200

    run(engine, scenario)


def test_every_failure_is_403_with_its_message(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.hire("other", "others", "")
        await desk.hire("off", "switched", "", is_enabled=False)
        await desk.hire("old", "expired", "", expires_at=NOW)
        gone = await desk.hire("gone", "suspended", "")
        await desk.house.db.write(accounts.suspend, gone.name, NOW)
        wrong, malformed = "invalid API credentials", "invalid Authorization header"
        cases = {
            "token api_user:wrong": wrong,
            "token nobody:token": wrong,
            "token other:token": wrong,
            "token off:switched": wrong,
            "token old:expired": wrong,
            "token gone:suspended": wrong,
            f"Basic {basic(b'api_user:public')}": wrong,
            "token api_user": malformed,
            "token :token": malformed,
            "token api_user:": malformed,
            "Basic ###": malformed,
            f"Basic {basic(b'api_user')}": malformed,
            f"Basic {basic(bytes([0xFF, 0x3A, 0x61]))}": malformed,
            "Bearer abc": malformed,
            "token": malformed,
            "": "invalid session",
        }
        for header, message in cases.items():
            answer = await desk.client.get("/api/lists", headers={"Authorization": header} if header else {})
            assert (answer.status_code, answer.json()) == (403, {"message": message}), header

    run(engine, scenario)


def test_a_session_cookie_wins_over_the_header(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.ask("GET", "/api/health", headers={"Cookie": "a=b; session=abc"})
        assert (answer.status_code, answer.json()["message"]) == (403, "invalid session")
        answer = await desk.ask("GET", "/api/health", headers={"Cookie": "folkmoot_session=abc"})
        assert answer.status_code == 200

    run(engine, scenario)


def test_a_revoked_token_is_refused_at_once(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.ask("GET", "/api/health")).status_code == 200
        token = await desk.house.db.read(accounts.find_token, "newsletter", "token")
        assert token is not None
        await desk.house.db.write(accounts.revoke_token, token.id)
        assert (await desk.ask("GET", "/api/health")).status_code == 403

    run(engine, scenario)


def test_permissions_for_all_and_for_single_lists(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        owner = await desk.hire("owner", "owners", "*")
        first, second = await desk.make(owner, "first"), await desk.make(owner, "second")
        await desk.hire("reader", "r", "lists:get_all")
        await desk.hire("writer", "w", "lists:manage_all")
        await desk.hire("partly", "p", f"list:get:{first} list:manage:{second} list:get:x list:get:")
        await desk.hire("none", "n", "")
        denied, missing = "permission denied", "permission denied: lists:manage_all"
        cases: list[tuple[str, str, str, int, str | None]] = [
            ("reader", "GET", f"/api/lists/{first}", 200, None),
            ("reader", "PUT", f"/api/lists/{first}", 403, denied),
            ("reader", "DELETE", f"/api/lists/{first}", 403, denied),
            ("reader", "POST", "/api/lists", 403, missing),
            ("writer", "GET", f"/api/lists/{first}", 403, denied),
            ("writer", "PUT", f"/api/lists/{first}", 200, None),
            ("writer", "POST", "/api/lists", 200, None),
            ("partly", "GET", f"/api/lists/{first}", 200, None),
            ("partly", "GET", f"/api/lists/{second}", 403, denied),
            ("partly", "GET", "/api/lists/99", 403, denied),
            ("partly", "PUT", f"/api/lists/{first}", 403, denied),
            ("partly", "PUT", f"/api/lists/{second}", 200, None),
            ("partly", "POST", "/api/lists", 403, missing),
            ("partly", "DELETE", f"/api/lists?id={second}&id={first}", 403, denied),
            ("none", "GET", "/api/health", 200, None),
            ("none", "GET", f"/api/lists/{first}", 403, denied),
        ]
        for user, method, path, status, message in cases:
            answer = await desk.ask(method, path, user, user[0], json={"name": "renamed"})
            assert answer.status_code == status, (user, method, path, answer.text)
            assert message is None or answer.json() == {"message": message}, (user, method, path)
        seen = {}
        for user in ("reader", "writer", "partly", "none"):
            results = (await desk.ask("GET", "/api/lists", user, user[0])).json()["data"]["results"]
            seen[user] = sorted(each["id"] for each in results)
        assert len(seen["reader"]) == 3
        assert (seen["writer"], seen["partly"], seen["none"]) == ([], [first], [])

    run(engine, scenario)


def test_what_may_not_be_managed_is_skipped_when_deleting_by_name(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        owner = await desk.hire("owner", "owners", "*")
        first, second = await desk.make(owner, "news one"), await desk.make(owner, "news two")
        await desk.hire("partly", "p", f"list:manage:{second}")
        answer = await desk.ask("DELETE", "/api/lists?query=news", "partly", "p")
        assert answer.json() == {"data": True}
        left = await desk.data("GET", "/api/lists")
        assert [each["id"] for each in left["results"]] == [first]
        assert (await desk.ask("DELETE", "/api/lists?all=true", "partly", "p")).status_code == 200
        assert (await desk.data("GET", "/api/lists"))["total"] == 1

    run(engine, scenario)


def test_a_banned_account_reads_and_does_not_write(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        actor = await desk.hire("banned", "b", "*")
        made = await desk.make(actor, "list")
        admin = Actor(actor.account_id, is_admin=True)
        assert actor.account_id is not None
        await desk.house.db.write(accounts.ban, admin, actor.account_id, True, NOW)
        assert (await desk.ask("GET", f"/api/lists/{made}", "banned", "b")).status_code == 200
        for method, path in (("POST", "/api/lists"), ("PUT", f"/api/lists/{made}"), ("DELETE", f"/api/lists/{made}")):
            assert (await desk.ask(method, path, "banned", "b", json={"name": "x"})).status_code == 403

    run(engine, scenario)


@pytest.mark.parametrize(
    ("scopes", "permission", "message"),
    [
        ("", "a:x | b:y", "permission denied: b:y"),
        ("c:z", "a:x", "permission denied: a:x"),
        ("a:x", "a:x | b:y", None),
        ("*", "a:x", None),
        ("", "", None),
    ],
)
def test_the_last_of_the_alternatives_is_named(scopes: str, permission: str, message: str | None) -> None:
    actor = Actor(1, scopes=frozenset(scopes.split()))
    if message is None:
        auth.require(actor, permission)
    else:
        with pytest.raises(Forbidden, match=message):
            auth.require(actor, permission)
