"""The same request several times at once: one succeeds, the others are told what is in the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from tests.surfaces.mqtt.management import Running, scenario

RULES = [{"topic": "t", "permission": "allow", "action": "all"}]
USERS = "/authentication/password_based:built_in_database/users"
USER_RULES = "/authorization/sources/built_in_database/rules/users"
ACTION = {"type": "http", "name": "a", "connector": "c", "parameters": {"path": "/x", "method": "post"}}

# In an order in which each finds what it needs: the request, the status of the one, and status and word of the others.
REQUESTS: list[tuple[str, str, Any, int, tuple[int, str]]] = [
    ("POST", "/users", {"username": "two", "password": "public12a"}, 200, (400, "BAD_REQUEST")),
    ("DELETE", "/users/two", None, 204, (404, "USER_NOT_FOUND")),
    ("POST", "/api_key", {"name": "two"}, 200, (400, "BAD_REQUEST")),
    ("DELETE", "/api_key/two", None, 204, (404, "NOT_FOUND")),
    ("POST", "/banned", {"as": "clientid", "who": "two"}, 200, (400, "ALREADY_EXISTS")),
    ("DELETE", "/banned/clientid/two", None, 204, (404, "NOT_FOUND")),
    ("POST", "/rules", {"id": "two", "sql": 'SELECT * FROM "t"'}, 201, (400, "BAD_REQUEST")),
    ("DELETE", "/rules/two", None, 204, (404, "NOT_FOUND")),
    ("POST", "/listeners", {"type": "tcp", "name": "two", "bind": "127.0.0.1:0"}, 200, (400, "BAD_LISTENER_ID")),
    ("DELETE", "/listeners/tcp:two", None, 204, (404, "BAD_LISTENER_ID")),
    ("POST", "/trace", {"name": "two", "type": "clientid", "clientid": "x"}, 200, (409, "ALREADY_EXISTS")),
    ("DELETE", "/trace/two", None, 204, (404, "NOT_FOUND")),
    ("POST", "/mqtt/topic_metrics", {"topic": "two"}, 200, (400, "BAD_TOPIC")),
    ("DELETE", "/mqtt/topic_metrics/two", None, 204, (404, "TOPIC_NOT_FOUND")),
    (
        "POST",
        "/authentication",
        {"mechanism": "password_based", "backend": "built_in_database"},
        200,
        (409, "ALREADY_EXISTS"),
    ),
    ("POST", USERS, {"user_id": "two", "password": "p"}, 201, (409, "ALREADY_EXISTS")),
    ("DELETE", f"{USERS}/two", None, 204, (404, "NOT_FOUND")),
    ("DELETE", "/authentication/password_based:built_in_database", None, 204, (404, "NOT_FOUND")),
    ("POST", "/authorization/sources", {"type": "built_in_database"}, 204, (400, "BAD_REQUEST")),
    ("POST", USER_RULES, [{"username": "two", "rules": RULES}], 204, (409, "ALREADY_EXISTS")),
    ("DELETE", f"{USER_RULES}/two", None, 204, (404, "NOT_FOUND")),
    ("DELETE", "/authorization/sources/built_in_database", None, 204, (404, "NOT_FOUND")),
    ("POST", "/connectors", {"type": "http", "name": "c", "url": "http://[::1]:1"}, 201, (400, "ALREADY_EXISTS")),
    ("POST", "/actions", ACTION, 201, (400, "ALREADY_EXISTS")),
    ("DELETE", "/actions/http:a", None, 204, (404, "NOT_FOUND")),
    ("DELETE", "/connectors/http:c", None, 204, (404, "NOT_FOUND")),
]


def test_one_succeeds_and_the_others_are_told_why_not(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for method, path, body, status, refused in REQUESTS:
            answers = await asyncio.gather(*(here.ask(method, path, json=body) for _ in range(3)))
            found = Counter((each.status_code, _word(each.json()) if each.content else "") for each in answers)
            assert found == {(status, ""): 1, refused: 2}, (method, path, found)

    scenario(tmp_path, play)


def _word(body: Any) -> str:
    return str(body.get("code", "")) if isinstance(body, dict) else ""
