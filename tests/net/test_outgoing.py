from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from folkmoot.net import http
from folkmoot.net.outgoing import Answer, Outgoing, OutgoingError, is_public
from tests.net.serving import PlainDialect, serving


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


async def echo(call: http.Call) -> Any:
    return {"host": call.headers["host"], "body": call.body.decode(), "cookie": call.headers.get("cookie")}


async def cookie(call: http.Call) -> Any:
    return PlainTextResponse("x", headers={"set-cookie": "a=b"})


async def large(call: http.Call) -> Any:
    return Response(b"x" * 3000)


async def away(call: http.Call) -> Any:
    return RedirectResponse(call.query["to"], 302)


async def again(call: http.Call) -> Any:
    return RedirectResponse("/round", 302)


async def stuck(call: http.Call) -> Any:
    await asyncio.sleep(30)


TABLE = [
    http.Operation("Echo", "GET", "/echo", echo, aliases=(("POST", "/echo"),)),
    http.Operation("Cookie", "GET", "/cookie", cookie),
    http.Operation("Large", "GET", "/large", large),
    http.Operation("Away", "GET", "/away", away),
    http.Operation("Round", "GET", "/round", again),
    http.Operation("Stuck", "GET", "/stuck", stuck),
]


def fetch(*requests: dict[str, Any], allowed: tuple[str, ...] = ("127.0.0.0/8",)) -> list[Answer]:
    async def run() -> list[Answer]:
        async with (
            serving(http.bind(TABLE, PlainDialect(), None), graceful_shutdown_seconds=1) as address,
            Outgoing(allowed_networks=allowed, max_answer_bytes=2000, timeout_seconds=1.0) as outgoing,
        ):
            port = address.rpartition(":")[2]
            answers = []
            for each in requests:
                url = each.pop("url").replace("PORT", port)
                answers.append(await outgoing.request(each.pop("method", "GET"), url, **each))
            return answers

    return asyncio.run(run())


def test_an_allowed_network_is_reached_under_its_own_name() -> None:
    got, posted = fetch(
        {"url": "http://localhost:PORT/echo"},
        {"url": "http://127.0.0.1:PORT/echo", "method": "POST", "body": b"hello"},
    )
    assert got.status == 200
    assert b'"host":"localhost:' in got.body
    assert b'"body":"hello"' in posted.body


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/echo",
        "http://localhost:PORT/echo",
        "http://[::1]:PORT/echo",
        "http://[::ffff:127.0.0.1]:PORT/echo",
        "http://2130706433:PORT/echo",
        "http://0x7f.1:PORT/echo",
        "http://0:PORT/echo",
        "http://169.254.169.254/latest",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(OutgoingError) as caught:
        fetch({"url": url}, allowed=())
    assert caught.value.permanent


def test_a_long_answer_can_be_cut() -> None:
    (answer,) = fetch({"url": "http://127.0.0.1:PORT/away?to=/large", "follow_redirects": True, "cut_bytes": 1000})
    assert answer.body == b"x" * 1000 and answer.url.endswith("/large")


def test_a_redirect_is_checked_like_a_first_request() -> None:
    (answer,) = fetch({"url": "http://127.0.0.1:PORT/away?to=/echo", "follow_redirects": True})
    assert answer.status == 200
    (answer,) = fetch({"url": "http://127.0.0.1:PORT/away?to=/echo"})
    assert answer.status == 302
    with pytest.raises(OutgoingError, match="not a public address"):
        fetch(
            {"url": "http://127.0.0.1:PORT/away?to=http://127.0.0.2:PORT/echo", "follow_redirects": True},
            allowed=("127.0.0.1",),
        )
    with pytest.raises(OutgoingError):
        fetch({"url": "http://127.0.0.1:PORT/away?to=file:///etc/passwd", "follow_redirects": True})


def test_answers_time_and_redirects_are_bounded() -> None:
    with pytest.raises(OutgoingError, match="too large"):
        fetch({"url": "http://127.0.0.1:PORT/large"})
    with pytest.raises(OutgoingError, match="in time") as caught:
        fetch({"url": "http://127.0.0.1:PORT/stuck"})
    assert not caught.value.permanent
    with pytest.raises(OutgoingError, match="redirect"):
        fetch({"url": "http://127.0.0.1:PORT/round", "follow_redirects": True})


def test_cookies_are_not_kept() -> None:
    _, second = fetch({"url": "http://127.0.0.1:PORT/cookie"}, {"url": "http://127.0.0.1:PORT/echo"})
    assert b'"cookie":null' in second.body


def test_nobody_listens_is_temporary() -> None:
    with pytest.raises(OutgoingError) as caught:
        fetch({"url": "http://127.0.0.1:1/"})
    assert not caught.value.permanent
