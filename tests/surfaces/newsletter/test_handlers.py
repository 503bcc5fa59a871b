"""The list routes as their document and the reference have them, over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from folkmoot.domain import accounts, spaces, subscriptions
from folkmoot.domain.accounts import Actor
from folkmoot.store import Engine, Transaction
from tests.surfaces.newsletter.desk import NOW, Desk, desk_on

LIST_KEYS = [
    "id",
    "created_at",
    "updated_at",
    "uuid",
    "name",
    "type",
    "optin",
    "status",
    "tags",
    "description",
    "subscriber_count",
    "subscriber_statuses",
    "subscription_created_at",
    "subscription_updated_at",
]
PAGE_KEYS = ["results", "search", "query", "total", "per_page", "page"]


def run(engine: Engine, scenario: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with desk_on(engine) as desk:
            await scenario(desk)

    asyncio.run(whole())


async def names(desk: Desk, path: str, **more: Any) -> list[str]:
    page = await desk.data("GET", path, **more)
    assert list(page) == PAGE_KEYS
    return [each["name"] for each in page["results"]]


async def curl(*arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        "curl", "-s", "-S", "--max-time", "10", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(output)


def test_the_published_examples_run_as_typed(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        owner = await desk.hire("owner", "owners")
        root = f"http://{desk.address}"
        first = await desk.make(owner, "Default list", tags=("test",))
        await desk.make(owner, "Opt-in list", type="public", optin="double")
        page = await curl("-u", "api_user:token", f"{root}/api/lists")
        assert page["data"]["total"] == 2
        assert page == await curl("-H", "Authorization: token api_user:token", f"{root}/api/lists")
        page = await curl("-u", "api_user:token", "-X", "GET", f"{root}/api/lists?page=1&per_page=100")
        assert (page["data"]["page"], page["data"]["per_page"]) == (1, 100)
        public = await curl("-X", "GET", f"{root}/api/public/lists")
        assert [(list(each), each["name"]) for each in public] == [(["uuid", "name"], "Opt-in list")]
        one = await curl("-u", "api_user:token", "-X", "GET", f"{root}/api/lists/{first}")
        assert (one["data"]["id"], one["data"]["tags"]) == (first, ["test"])
        made = await curl(
            *("-u", "api_user:token", "-X", "POST", f"{root}/api/lists", "-H", "Content-Type: application/json"),
            *("-d", '{"name": "Test list", "type": "public", "optin": "single", "tags": ["a", "b"]}'),
        )
        assert (made["data"]["name"], made["data"]["tags"]) == ("Test list", ["a", "b"])
        made_id = made["data"]["id"]
        changed = await curl(
            *("-u", "api_user:token", "-X", "PUT", f"{root}/api/lists/{made_id}"),
            *("--form", "name=modified test list", "--form", "type=private"),
        )
        assert (changed["data"]["name"], changed["data"]["type"]) == ("modified test list", "private")
        assert (changed["data"]["optin"], changed["data"]["tags"]) == ("single", ["a", "b"])
        for _ in range(2):
            assert await curl("-u", "api_user:token", "-X", "DELETE", f"{root}/api/lists/{made_id}") == {"data": True}

    run(engine, scenario)


def test_health_needs_a_credential_only_under_api(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        assert (await desk.client.get("/health")).json() == {"data": True}
        assert (await desk.client.get("/api/health")).status_code == 403
        answer = await desk.ask("GET", "/api/health")
        assert answer.headers["content-type"] == "application/json"

    run(engine, scenario)


def test_a_list_has_exactly_these_keys(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        made = await desk.data("POST", "/api/lists", json={"name": "News", "tags": [" a  b ", "C"]})
        assert list(made) == LIST_KEYS
        assert (made["type"], made["optin"], made["status"]) == ("private", "single", "active")
        assert (made["tags"], made["description"]) == (["a-b", "C"], "")
        assert (made["subscriber_count"], made["subscriber_statuses"]) == (0, {})
        assert made["subscription_created_at"] is None and made["subscription_updated_at"] is None
        assert made["created_at"] == "2026-03-01T12:00:00.000005Z" or re.fullmatch(
            r"2026-03-01T12:\d\d:00\.000005Z", made["created_at"]
        )
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made["uuid"])
        assert await desk.data("GET", f"/api/lists/{made['id']}") == made
        assert (await desk.data("GET", "/api/lists"))["results"] == [made]
        empty = await desk.data("POST", "/api/lists", json={"name": "No tags", "tags": None})
        assert empty["tags"] == []

    run(engine, scenario)


def test_members_are_counted_by_status(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        actor = await desk.hire("owner", "owners")
        space_id = await desk.make(actor, "News")

        def act(tx: Transaction) -> None:
            for number, status in enumerate(("unconfirmed", "confirmed", "confirmed", "unsubscribed")):
                member = accounts.sender(tx, f"m{number}@example.org", "", NOW)
                subscriptions.start_membership(tx, member.id, space_id, status, NOW)
            subscriptions.end(tx, accounts.sender(tx, "m3@example.org", "", NOW).id, space_id, "newsletter")

        await desk.house.db.write(act)
        shown = await desk.data("GET", f"/api/lists/{space_id}")
        assert (shown["subscriber_count"], shown["subscriber_statuses"]) == (3, {"unconfirmed": 1, "confirmed": 2})
        minimal = (await desk.data("GET", "/api/lists?minimal=true"))["results"][0]
        assert list(minimal) == LIST_KEYS
        assert (minimal["subscriber_count"], minimal["subscriber_statuses"]) == (0, None)

    run(engine, scenario)


async def fill(desk: Desk) -> Actor:
    actor = await desk.hire("owner", "owners")
    await desk.make(actor, "alpha town", NOW, tags=("x", "y"), type="public")
    await desk.make(actor, "beta", NOW + timedelta(1), tags=("x",), optin="double", status="archived")
    await desk.make(actor, "Gamma town", NOW + timedelta(2), type="temporary")
    return actor


def test_every_parameter_narrows_or_orders(engine: Engine) -> None:
    cases = {
        "": ["Gamma town", "beta", "alpha town"],
        "query=TOWN": ["Gamma town", "alpha town"],
        "query=town+alp": ["alpha town"],
        "query=%25": [],
        "query=+": ["Gamma town", "beta", "alpha town"],
        "status=active": ["Gamma town", "alpha town"],
        "status=active&status=archived": ["Gamma town", "beta", "alpha town"],
        "status=": ["Gamma town", "beta", "alpha town"],
        "type=public": ["alpha town"],
        "optin=double": ["beta"],
        "tag=x": ["beta", "alpha town"],
        "tag=x&tag=y": ["alpha town"],
        "tag=x&tag=z": [],
        "order_by=name&order=asc": ["alpha town", "beta", "Gamma town"],
        "order_by=name&order=ASC": ["alpha town", "beta", "Gamma town"],
        "order_by=name&order=DESC": ["Gamma town", "beta", "alpha town"],
        "order_by=name&order=sideways": ["Gamma town", "beta", "alpha town"],
        "order_by=status&order=asc": ["alpha town", "Gamma town", "beta"],
        "order_by=id;drop&order=asc": ["alpha town", "beta", "Gamma town"],
        "order_by=created_at&order=Asc": ["alpha town", "beta", "Gamma town"],
        "order_by=updated_at&order=asc": ["alpha town", "beta", "Gamma town"],
        "per_page=2": ["Gamma town", "beta"],
        "per_page=2&page=2": ["alpha town"],
        "order_by=name&order=asc&per_page=1&page=2": ["beta"],
        "minimal=1&per_page=1": ["alpha town", "beta", "Gamma town"],
        "minimal=true&status=active": ["alpha town", "Gamma town"],
        "minimal=nonsense&per_page=1": ["Gamma town"],
        "unknown=1": ["Gamma town", "beta", "alpha town"],
    }

    async def scenario(desk: Desk) -> None:
        await fill(desk)
        for asked, expected in cases.items():
            assert await names(desk, f"/api/lists?{asked}") == expected, asked

    run(engine, scenario)


def test_the_page_says_what_was_asked(engine: Engine) -> None:
    cases = {
        "": (20, 1),
        "page=0": (20, 1),
        "page=-3": (20, 1),
        "page=x&per_page=y": (20, 1),
        "page=7": (20, 7),
        "per_page=0": (20, 1),
        "per_page=all": (0, 1),
        "per_page=-1": (0, 1),
        "per_page=all&page=3": (0, 3),
        "per_page=500": (500, 1),
        "per_page=1000000": (1000000, 1),
        "page=999999999999999&per_page=999999999999999": (999999999999999, 999999999999999),
        "page=99999999999999999999": (20, 1),
        "minimal=true": (3, 1),
    }

    async def scenario(desk: Desk) -> None:
        await fill(desk)
        for asked, expected in cases.items():
            page = await desk.data("GET", f"/api/lists?{asked}")
            assert (page["per_page"], page["page"]) == expected, asked
            assert page["total"] == 3 and page["search"] == "", asked
        page = await desk.data("GET", "/api/lists?query=zeta")
        assert page == {"results": [], "search": "", "query": "zeta", "total": 0, "per_page": 20, "page": 1}
        page = await desk.data("GET", "/api/lists?minimal=true&query=zeta")
        assert page == {"results": [], "search": "", "query": "zeta", "total": 0, "per_page": 0, "page": 1}

    run(engine, scenario)


def test_parameters_in_a_body_count_after_the_query(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        await fill(desk)
        body = {"order_by": "name", "order": "ASC", "per_page": "2", "tag": ["x"]}
        assert await names(desk, "/api/lists", data=body) == ["alpha town", "beta"]
        assert await names(desk, "/api/lists?order=desc&tag=y", data=body) == ["alpha town"]
        parts = {"order_by": (None, "name"), "order": (None, "asc")}
        assert await names(desk, "/api/lists", files=parts) == ["alpha town", "beta", "Gamma town"]

    run(engine, scenario)


def test_forms_and_json_make_the_same_list(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        fields = {"name": "Form list", "type": "public", "tags": ["a", "b"]}
        parts = [
            ("name", (None, "Form list")),
            ("type", (None, "public")),
            ("tags", (None, "a")),
            ("tags", (None, "b")),
        ]
        for sent in ({"json": {**fields, "id": 7, "unknown": [1]}}, {"data": fields}, {"files": parts}):
            made = await desk.data("POST", "/api/lists", **sent)
            assert (made["name"], made["type"], made["tags"]) == ("Form list", "public", ["a", "b"])

    run(engine, scenario)


def test_an_update_keeps_what_is_absent_or_empty(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        made = await desk.data("POST", "/api/lists", json={"name": "A", "description": "about", "tags": ["t"]})
        path = f"/api/lists/{made['id']}"
        same = await desk.data("PUT", path, json={"name": "", "type": "", "optin": None})
        assert same.pop("updated_at") > made.pop("updated_at")
        assert same == made
        changed = await desk.data("PUT", path, json={"status": "archived", "optin": "double"})
        assert (changed["status"], changed["optin"], changed["name"], changed["tags"]) == (
            *("archived", "double"),
            *("A", ["t"]),
        )
        assert (await desk.data("PUT", path, data={"tags": ["x", "y"]}))["tags"] == ["x", "y"]
        assert (await desk.data("PUT", path, json={"tags": []}))["tags"] == []

    run(engine, scenario)


REFUSED: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", "/api/lists", {}, 400),
    ("POST", "/api/lists", {"json": {"type": "public"}}, 400),
    ("POST", "/api/lists", {"json": {"name": "  "}}, 400),
    ("POST", "/api/lists", {"json": {"name": "x" * 2001}}, 400),
    ("POST", "/api/lists", {"json": {"name": 5}}, 400),
    ("POST", "/api/lists", {"json": {"name": "n\0"}}, 400),
    ("POST", "/api/lists", {"json": {"name": "n", "type": "secret"}}, 400),
    ("POST", "/api/lists", {"json": {"name": "n", "optin": "triple"}}, 400),
    ("POST", "/api/lists", {"json": {"name": "n", "status": "asleep"}}, 400),
    ("POST", "/api/lists", {"json": {"name": "n", "tags": "a"}}, 400),
    ("POST", "/api/lists", {"json": ["name"]}, 400),
    ("POST", "/api/lists", {"content": "{", "headers": {"Content-Type": "application/json"}}, 400),
    (
        "POST",
        "/api/lists",
        {"content": b'{"name":"\\ud800"}', "headers": {"Content-Type": "application/json"}},
        400,
    ),
    ("POST", "/api/lists", {"content": b"[" * 9999, "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "/api/lists", {"content": '{"name": "n"}'}, 415),
    ("POST", "/api/lists", {"content": "name: n", "headers": {"Content-Type": "text/yaml"}}, 415),
    ("POST", "/api/lists", {"content": b"x" * (1024 * 1024 + 1)}, 413),
    ("GET", "/api/lists?status=asleep", {}, 400),
    ("GET", "/api/lists?type=secret", {}, 400),
    ("GET", "/api/lists?optin=triple", {}, 400),
    ("GET", "/api/lists?query=%FF", {}, 400),
    ("GET", "/api/lists?query=%00", {}, 400),
    ("GET", "/api/lists?query=" + "+".join(map(str, range(60))), {}, 400),
    ("DELETE", "/api/lists", {}, 400),
    ("DELETE", "/api/lists?query=+", {}, 400),
    ("DELETE", "/api/lists?all=false", {}, 400),
    ("GET", "/api/lists/999", {}, 404),
    ("PUT", "/api/lists/999", {"json": {"name": "x"}}, 404),
]


def test_what_cannot_be_done_is_answered_with_a_message(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        for method, path, sent, status in REFUSED:
            answer = await desk.ask(method, path, **sent)
            assert answer.status_code == status, (method, path, sent, answer.text)
            assert list(answer.json()) == ["message"] and isinstance(answer.json()["message"], str)
        assert (await desk.data("GET", "/api/lists"))["total"] == 0

    run(engine, scenario)


def test_an_id_must_be_a_positive_integer(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        for bad in ("0", "-1", "x", "1.5", "%20", "9999999999999999999999", "٣"):
            for method in ("GET", "PUT", "DELETE"):
                answer = await desk.ask(method, f"/api/lists/{bad}", content="{")
                assert (answer.status_code, answer.json()) == (400, {"message": "invalid ID"}), (method, bad)
        answer = await desk.ask("DELETE", "/api/lists?id=1&id=x")
        assert (answer.status_code, answer.json()) == (400, {"message": "invalid ID"})

    run(engine, scenario)


def test_unknown_paths_and_wrong_methods(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        answer = await desk.ask("GET", "/api/nothing/here")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 unknown endpoint"})
        answer = await desk.client.get("/nothing")
        assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
        answer = await desk.ask("PATCH", "/api/lists/1")
        assert (answer.status_code, answer.json()) == (405, {"message": "Method Not Allowed"})
        assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"

    run(engine, scenario)


def test_lists_are_deleted_by_ids_by_name_and_all(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        actor = await fill(desk)
        ids = [await desk.make(actor, f"numbered {n}") for n in range(3)]
        assert await desk.data("DELETE", f"/api/lists?id={ids[0]}&id={ids[1]}&id=12345") is True
        assert sorted(await names(desk, "/api/lists")) == ["Gamma town", "alpha town", "beta", "numbered 2"]
        assert await desk.data("DELETE", "/api/lists?query=TOWN") is True
        assert sorted(await names(desk, "/api/lists")) == ["beta", "numbered 2"]
        assert await desk.data("DELETE", "/api/lists?query=numb") is True
        assert (await desk.data("GET", "/api/lists"))["total"] == 2
        assert await desk.data("DELETE", "/api/lists", data={"all": "true"}) is True
        assert (await desk.data("GET", "/api/lists"))["total"] == 0

    run(engine, scenario)


def test_only_spaces_with_the_newsletter_face_are_lists(engine: Engine) -> None:
    async def scenario(desk: Desk) -> None:
        actor = await desk.hire("owner", "owners")

        def act(tx: Transaction) -> tuple[int, int]:
            forum_only = spaces.create_space(tx, actor, "forum", "Forum", None, NOW)
            spaces.add_forum_face(tx, forum_only.id, "forum", 1, False)
            both = spaces.create_space(tx, actor, "both", "Both", None, NOW)
            spaces.add_forum_face(tx, both.id, "both", 1, False)
            spaces.add_newsletter_face(tx, both.id, "Both", NOW)
            return forum_only.id, both.id

        forum_only, both = await desk.house.db.write(act)
        assert await names(desk, "/api/lists") == ["Both"]
        assert (await desk.ask("GET", f"/api/lists/{forum_only}")).status_code == 404
        for space_id in (forum_only, both):
            assert await desk.data("DELETE", f"/api/lists/{space_id}") is True
            assert await desk.house.db.read(spaces.find_space, space_id) is not None
        assert await names(desk, "/api/lists") == []

    run(engine, scenario)
