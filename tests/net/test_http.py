from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect as open_websocket

from folkmoot.errors import Forbidden, NotFound, Unauthenticated
from folkmoot.net import http
from folkmoot.net.connection import Bounds
from tests.net.serving import PlainDialect, client_of, connect, exchange, serving


class Greeting(msgspec.Struct):
    name: str
    times: int = 1
    loud: bool = False


async def greet(call: http.Call) -> Any:
    words = " ".join([f"hello {call.data.name}"] * call.data.times)
    return {"words": words.upper() if call.data.loud else words, "by": call.actor}


async def show(call: http.Call) -> Any:
    if call.path["key"] == "missing":
        raise NotFound("thing.missing", "No such thing.", "key")
    if call.path["key"] == "broken":
        raise RuntimeError("secret detail")
    return {"key": call.path["key"], "query": call.query.multi_items(), "address": call.address}


async def nothing(call: http.Call) -> Any:
    return None


async def size(call: http.Call) -> Any:
    return {"size": len(call.body), "files": [[each.filename, len(each.data)] for each in call.files]}


async def page(call: http.Call) -> Any:
    return PlainTextResponse(call.headers["user-agent"], headers={"x-page": "yes"})


async def slow_stream(call: http.Call) -> Any:
    async def chunks() -> AsyncIterator[bytes]:
        for each in (b"one ", b"two ", b"three"):
            yield each
            await asyncio.sleep(0)

    return StreamingResponse(chunks())


TABLE = [
    http.Operation("Greet", "GET", "/greet", greet, request=Greeting),
    http.Operation("GreetLong", "POST", "/greet", greet, request=Greeting, status=201, aliases=(("PUT", "/hello"),)),
    http.Operation("Show", "GET", "/things/{key}", show),
    http.Operation("Drop", "DELETE", "/things/{key}", nothing, status=204),
    http.Operation("Size", "POST", "/size", size, max_body_bytes=200_000),
    http.Operation("Upload", "POST", "/upload", size, request=Greeting),
    http.Operation("Page", "GET", "/page", page),
    http.Operation("Stream", "GET", "/stream", slow_stream),
    http.Operation("Payload", "POST", "/payload", greet, request=Greeting, allow_nul=True),
    http.Operation("Closed", "POST", "/closed", nothing, permission="nobody"),
]


class Dialect(PlainDialect):
    async def authenticate(self, call: http.Call) -> Any:
        name = call.headers.get("authorization")
        if name is None and call.operation.permission:
            raise Unauthenticated("credential.missing", "Who are you?")
        if call.operation.permission == "nobody":
            raise Forbidden("never", "No.")
        return name


async def extra_page(request: Any) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def broken_page(request: Any) -> Response:
    raise RuntimeError("secret detail")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


EXTRA = [
    Route("/extra", extra_page, methods=["GET", "POST"]),
    Route("/broken", broken_page),
    WebSocketRoute("/ws", echo),
]


def bound(**options: Any) -> Any:
    return http.bind(TABLE, Dialect(), None, extra_routes=EXTRA, max_body_bytes=1000, **options)


def ask(method: str, path: str, **options: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        async with client_of(bound()) as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


def test_query_and_body_reach_the_handler() -> None:
    answer = ask("GET", "/greet?name=ann&times=2&loud=true", headers={"authorization": "me"})
    assert answer.json() == {"words": "HELLO ANN HELLO ANN", "by": "me"}
    assert answer.headers["content-type"] == "application/json"
    answer = ask("POST", "/greet", json={"name": "ö", "unknown": 1})
    assert (answer.status_code, answer.content) == (201, '{"words":"hello ö","by":null}'.encode())
    assert ask("PUT", "/hello", json={"name": "b"}).status_code == 201
    assert ask("POST", "/greet", data={"name": "form", "times": "2"}).json()["words"] == "hello form hello form"


def test_files_reach_the_handler() -> None:
    answer = ask("POST", "/upload", data={"name": "x"}, files={"file": ("a.txt", b"12345")})
    assert answer.json()["files"] == [["a.txt", 5]]


def test_path_and_query_decoding() -> None:
    answer = ask("GET", "/things/a%2Fb%25?x=1&x=%C3%A4+")
    assert answer.json() == {"key": "a/b%", "query": [["x", "1"], ["x", "ä "]], "address": "127.0.0.1"}


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code", "field"),
    [
        ("GET", "/nowhere", {}, 404, "path.unknown", None),
        ("PATCH", "/greet", {}, 405, "method.wrong", None),
        ("GET", "/things/missing", {}, 404, "thing.missing", "key"),
        ("GET", "/things/broken", {}, 500, "internal", None),
        ("GET", "/broken", {}, 500, "internal", None),
        ("GET", "/things/%ff", {}, 400, "path.encoding", None),
        ("GET", "/greet?name=a&times=x", {}, 400, "request.value", "times"),
        ("GET", "/greet?name=%FF", {}, 400, "request.encoding", None),
        ("POST", "/greet", {"content": b'{"name":1}'}, 400, "request.value", "name"),
        ("POST", "/greet", {"content": b'{"name":"\\u0000"}'}, 400, "request.nul", "name"),
        ("POST", "/greet", {"content": b"x" * 1001}, 413, "body.large", None),
        ("POST", "/extra", {"content": b"x" * 1001}, 413, "body.large", None),
        ("POST", "/closed", {}, 401, "credential.missing", None),
        ("POST", "/closed", {"headers": {"authorization": "a"}}, 403, "never", None),
        ("PUT", "/extra", {}, 405, "method.wrong", None),
    ],
)
def test_errors(method: str, path: str, options: dict[str, Any], status: int, code: str, field: str | None) -> None:
    answer = ask(method, path, **options)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)
    assert "secret" not in answer.text


def test_nul_where_the_operation_allows_it() -> None:
    assert ask("POST", "/payload", json={"name": "a\0b"}).json()["words"] == "hello a\0b"


def test_wrong_method_says_which() -> None:
    assert ask("PATCH", "/greet").headers["allow"] == "GET, HEAD, POST"


def test_head_and_options() -> None:
    whole, head = ask("GET", "/greet?name=a"), ask("HEAD", "/greet?name=a")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    answer = ask("OPTIONS", "/things/x")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "DELETE, GET, HEAD, OPTIONS", b"")
    assert ask("OPTIONS", "/nowhere").status_code == 404


def test_empty_answers_pages_and_streams() -> None:
    answer = ask("DELETE", "/things/x")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ask("GET", "/page", headers={"user-agent": "me"}).text == "me"
    assert ask("GET", "/stream").text == "one two three"
    assert ask("POST", "/extra", content=b"12345").text == "5"


def test_body_limit_of_an_operation() -> None:
    assert ask("POST", "/size", content=b"x" * 200_000).json()["size"] == 200_000
    assert ask("POST", "/size", content=b"x" * 200_001).status_code == 413


def test_a_large_body_is_refused_before_it_is_sent() -> None:
    async def run() -> None:
        async with serving(bound(), bounds=Bounds(linger_seconds=0.1)) as address:
            head = b"POST /greet HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
            assert b"413" in (await exchange(address, head)).split(b"\r\n")[0]
            chunked = b"POST /greet HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            assert b"413" in (await exchange(address, chunked + b"400\r\n" + b"x" * 1024 + b"\r\n")).split(b"\r\n")[0]

    asyncio.run(run())


def test_credentials_come_before_the_body() -> None:
    async def run() -> None:
        async with serving(bound(), bounds=Bounds(linger_seconds=0.1)) as address:
            head = b"POST /closed HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
            assert b"401" in (await exchange(address, head)).split(b"\r\n")[0]

    asyncio.run(run())


def test_a_slow_body_is_given_up() -> None:
    async def run() -> None:
        async with serving(bound(read_timeout_seconds=0.2)) as address:
            answer = await exchange(address, b"POST /greet HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            assert b"408" in answer.split(b"\r\n")[0]
            assert b"connection: close" in answer
            answer = await exchange(address, b"POST /extra HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            assert b"408" in answer.split(b"\r\n")[0]

    asyncio.run(run())


def test_a_peer_that_leaves_disturbs_nobody() -> None:
    async def run() -> None:
        async with serving(bound()) as address:
            for data in (b"POST /greet HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", b"GET /gr", b""):
                _, writer = await connect(address)
                writer.write(data)
                await writer.drain()
                writer.transport.abort()
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"http://{address}/greet?name=a")).status_code == 200

    asyncio.run(run())


def test_keep_alive_carries_many_requests_in_order() -> None:
    async def run() -> None:
        async with serving(bound()) as address:
            requests = b"".join(b"GET /things/%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(20))
            answer = await exchange(address, requests + b"GET /page HTTP/1.0\r\nUser-Agent: end\r\n\r\n")
            places = [answer.index(b'"key":"%d"' % n) for n in range(20)]
            assert places == sorted(places)
            assert answer.endswith(b"end")

    asyncio.run(run())


def test_websocket_routes() -> None:
    async def run() -> None:
        async with serving(bound()) as address:
            async with open_websocket(f"ws://{address}/ws") as socket:
                await socket.send("hello")
                assert await socket.recv() == "hello"
            with pytest.raises(Exception, match="403"):
                await open_websocket(f"ws://{address}/greet")

    asyncio.run(run())


def test_a_credential_in_the_data() -> None:
    class Late(PlainDialect):
        authenticate_after_decode = True

        async def authenticate(self, call: http.Call) -> Any:
            return call.data.name

    async def run() -> None:
        async with client_of(http.bind(TABLE[:1], Late(), None)) as client:
            assert (await client.get("/greet?name=ann")).json()["by"] == "ann"

    asyncio.run(run())


def test_a_table_that_contradicts_itself() -> None:
    with pytest.raises(ValueError):
        http.bind([TABLE[0], TABLE[0]], PlainDialect(), None)
    with pytest.raises(ValueError):
        http.bind([TABLE[0], http.Operation("Other", "GET", "/greet", greet)], PlainDialect(), None)
