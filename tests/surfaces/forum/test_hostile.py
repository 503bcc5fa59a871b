"""Whatever JSON is thrown at any operation, by anybody, over either transport: an answer in its shape, and life goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect
from websockets.sync.client import ClientConnection, connect

from folkmoot.net.http import Operation
from folkmoot.surfaces.forum.routes import OPERATIONS
from tests.surfaces.forum import shapes
from tests.whole.program import Program, running

ACTORS = ("boss", "ann", "")
LONG = json.dumps("x" * 20_000)

# As they stand in the text: most of them no writer of JSON would write.
ODD = (
    *("null", "true", '"1"', "1", "-1", "0", "1.5", "1e400", "-0", str(2**31), str(2**63), str(-(2**63)), "9" * 400),
    *("NaN", "-Infinity", "undefined", "", "{", "]", '"', "'a'", "[]", "{}", '{"a":{"a":[1,{}]}}', "[" * 5_000),
    *('""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\\ud83d\\ude00"', '"\x01"', LONG),
    *(
        '"%"',
        '"_"',
        '"\'; DROP TABLE accounts --"',
        '"../../etc/passwd"',
        '"\\r\\nBcc: a@b"',
        '"/u/ann @boss"',
        '"\u202e"',
    ),
)


def usual(kind: inspect.Type) -> list[str]:
    """What a client would send for a field, as JSON."""
    if isinstance(kind, inspect.UnionType):
        return [text for each in kind.types for text in usual(each)]
    if isinstance(kind, inspect.LiteralType):
        return [json.dumps(each) for each in kind.values]
    if isinstance(kind, inspect.BoolType):
        return ["true", "false"]
    if isinstance(kind, inspect.IntType):
        return ["1", "2", "3", "9", "0", "-1"]
    if isinstance(kind, inspect.StrType):
        return ['"main"', '"ann"', '"pw"', '"some words"', '"ann@example.org"', '"https://127.0.0.1/"']
    assert isinstance(kind, inspect.NoneType), kind
    return ["null"]


def fields(operation: Operation) -> dict[str, list[str]]:
    """The usual values of each field; but nobody changes the password, which would end the sessions."""
    request = inspect.type_info(operation.request)
    assert isinstance(request, inspect.StructType)
    found = {each.name: usual(each.type) for each in request.fields if each.name != "auth"}
    return {name: ['"no"'] if name == "old_password" else texts for name, texts in found.items()}


@dataclass
class Forum:
    """A running program, somebody of each kind, and a connection."""

    program: Program
    client: httpx.Client
    socket: ClientConnection
    tokens: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def over_http(self, operation: Operation, pairs: list[tuple[str, str]]) -> None:
        """Ask; whatever the answer is, it is in its shape."""
        if operation.method == "GET":
            # A longer address is refused before it is read (414).
            query = "&".join(f"{name}={quote_plus(text.strip(chr(34))[:1_000])}" for name, text in pairs)
            answer = self.client.get(f"{operation.path}?{query}")
        else:
            body = written(pairs).encode("utf-8", "surrogatepass")
            answer = self.client.request(operation.method, operation.path, content=body)
        assert answer.headers["content-type"] == "application/json"
        if answer.status_code == 200:
            shapes.check(operation.name, answer.json())
        else:
            assert answer.status_code == 400, (answer.text, pairs)
            shapes.check_error(answer.json())
            assert answer.json()["op"] == operation.name and answer.json()["error"]

    def over_socket(self, operation: Operation, pairs: list[tuple[str, str]]) -> None:
        """The same through the connection, up to the answer to something that follows."""
        self.socket.send(f'{{"op":"{operation.name}","data":{written(pairs)}}}')
        self.asked += 1
        self.socket.send(json.dumps({"op": f"after {self.asked}"}))
        ops: list[Any] = []
        while not ops or ops[-1] != f"after {self.asked}":
            frame = json.loads(self.socket.recv(timeout=10))
            ops.append(frame["op"])
            if "error" in frame:
                shapes.check_error(frame)
            else:
                shapes.check(frame["op"], frame["data"])
        # A frame that is no JSON at all belongs to no operation.
        assert {operation.name, ""} & set(ops[:-1]), (operation.name, pairs, ops)

    def goes_on(self, by: str) -> None:
        """What is asked rightly afterwards is answered rightly."""
        assert len(self.client.get("/api/v1/categories").json()["categories"]) == 26
        if by:
            answer = self.client.get("/api/v1/user/followed_communities", params={"auth": self.tokens[by]})
            assert answer.status_code == 200, answer.text
            shapes.check("GetFollowedCommunities", answer.json())


def written(pairs: list[tuple[str, str]]) -> str:
    """An object with these, in this order, each as it stands."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in pairs) + "}"


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forum]:
    first = {"FOLKMOOT_ADMIN_USERNAME": "boss", "FOLKMOOT_ADMIN_PASSWORD": "pw"}
    with running(tmp_path_factory.mktemp("program"), demo=False, **first) as program:
        url = program.url("forum").replace("http", "ws")
        with program.http("forum") as client, connect(f"{url}/api/v1/ws", max_size=None) as socket:
            made = Forum(program, client, socket)
            new = {"username": "ann", "password": "pw", "password_verify": "pw", "admin": False}
            client.post("/api/v1/user/register", json=new)
            for name in ("boss", "ann"):
                login = {"username_or_email": name, "password": "pw"}
                made.tokens[name] = client.post("/api/v1/user/login", json=login).json()["jwt"]
            client.post("/api/v1/site", json={"name": "Town", "auth": made.tokens["boss"]})
            main = client.get("/api/v1/community").json()["community"]["id"]
            post = client.post(
                "/api/v1/post", json={"name": "x", "community_id": main, "auth": made.tokens["ann"]}
            ).json()["post"]
            said = {"content": "@ann", "post_id": post["id"], "auth": made.tokens["boss"]}
            client.post("/api/v1/comment", json=said)
            yield made
            made.goes_on("boss")
        log = program.log()
        assert "Traceback" not in log and "failed" not in log, log


@st.composite
def requests(draw: st.DrawFn) -> tuple[Operation, str, list[tuple[str, str]]]:
    """An operation, who asks, and what: rightly but for a thing or two, left out, said twice, or odd."""
    operation, by = draw(st.sampled_from(OPERATIONS)), draw(st.sampled_from(ACTORS))
    pairs = [(name, draw(st.sampled_from(texts))) for name, texts in fields(operation).items()]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(pairs)))
        name = pairs[place][0] if place < len(pairs) else draw(st.sampled_from(("auth", "unknown", "")))
        pairs[place : place + draw(st.integers(0, 1))] = draw(
            st.lists(st.tuples(st.just(name), st.sampled_from(ODD)), max_size=2)
        )
    return operation, by, pairs


@settings(max_examples=250, deadline=None)
@given(asked=requests())
def test_nearly_right(forum: Forum, asked: tuple[Operation, str, list[tuple[str, str]]]) -> None:
    operation, by, pairs = asked
    if by:
        pairs = [*pairs, ("auth", json.dumps(forum.tokens[by]))]
    forum.over_http(operation, pairs)
    forum.over_socket(operation, pairs)
    forum.goes_on(by)


@pytest.mark.parametrize("by", ["boss", ""])
def test_every_field_of_every_operation(forum: Forum, by: str) -> None:
    for operation in OPERATIONS:
        signed = [("auth", json.dumps(forum.tokens[by]))] if by else []
        right = fields(operation)
        for name in right:
            for text in ("null", "{}", "9" * 30, '"a\\u0000b"', '"\\ud800"', LONG, "NaN", "[" * 2_000):
                pairs = [(each, text if each == name else texts[-1]) for each, texts in right.items()]
                forum.over_socket(operation, [*pairs, *signed])
        forum.goes_on(by)
