from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from starlette.responses import PlainTextResponse

from folkmoot.net import listeners
from folkmoot.net.listeners import Address, ListenError
from tests.net.serving import exchange, free_port, serving

hello = PlainTextResponse("hello")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:8080", Address("::1", 8080)),
        (":8080", Address("", 8080)),
        ("localhost:65535", Address("localhost", 65535)),
    ],
)
def test_addresses(text: str, address: Address | None) -> None:
    assert listeners.parse_address(text) == address


@pytest.mark.parametrize("text", ["127.0.0.1", "::1:80", "host:", "host:x", "host:65536", "host:-1", "host:²"])
def test_addresses_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ListenError, match="cannot read"):
        listeners.parse_address(text)


def test_off_opens_nothing() -> None:
    assert listeners.open_socket("") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_port_0_takes_a_free_one(host: str) -> None:
    listener = listeners.open_socket(f"{host}:0", loopback_only=True)
    assert listener is not None
    with listener:
        address = listeners.parse_address(listeners.address_of(listener))
        assert address is not None and address.port > 0 and address.is_loopback
        socket.create_connection((address.host, address.port)).close()


def test_a_taken_address_is_named() -> None:
    listener = listeners.open_socket("127.0.0.1:0")
    assert listener is not None
    with listener, pytest.raises(ListenError, match="already in use") as caught:
        listeners.open_socket(listeners.address_of(listener))
    assert listeners.address_of is not None and "127.0.0.1:" in str(caught.value)


@pytest.mark.parametrize("text", ["192.0.2.1:0", "no-such-name.invalid:0"])
def test_an_address_that_is_not_ours_is_named(text: str) -> None:
    with pytest.raises(ListenError, match=text.partition(":")[0]):
        listeners.open_socket(text)


@pytest.mark.parametrize("text", ["0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_only_loopback_where_told_so(text: str) -> None:
    with pytest.raises(ListenError, match="loopback"):
        listeners.open_socket(text, loopback_only=True)


def test_every_interface_answers_both_families() -> None:
    listener = listeners.open_socket(":0")
    assert listener is not None
    with listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        if socket.has_ipv6 and listener.family == socket.AF_INET6:
            socket.create_connection(("::1", port)).close()


def test_an_address_is_free_again_after_stop() -> None:
    async def run() -> None:
        port = free_port()
        for _ in range(2):
            listener = listeners.open_socket(f"127.0.0.1:{port}")
            assert listener is not None
            server = listeners.HttpServer(hello, listener)
            await server.start()
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"http://{server.address}/")).text == "hello"
            await server.stop()
            with pytest.raises(OSError):
                await exchange(server.address, b"")

    asyncio.run(run())


def test_stop_waits_for_the_request_in_hand() -> None:
    async def run() -> None:
        entered, go = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            entered.set()
            await go.wait()
            await hello(scope, receive, send)

        listener = listeners.open_socket("127.0.0.1:0")
        assert listener is not None
        server = listeners.HttpServer(slow, listener)
        await server.start()
        request = asyncio.create_task(exchange(server.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        await entered.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.2)
        assert not stopping.done()
        go.set()
        assert (await request).endswith(b"hello")
        await stopping

    asyncio.run(run())


def test_stop_does_not_wait_for_ever() -> None:
    async def run() -> None:
        async def stuck(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            await asyncio.Event().wait()

        listener = listeners.open_socket("127.0.0.1:0")
        assert listener is not None
        server = listeners.HttpServer(stuck, listener, graceful_shutdown_seconds=1)
        await server.start()
        request = asyncio.create_task(exchange(server.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        idle = asyncio.create_task(exchange(server.address, b"GET / HT"))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(4):
            await server.stop()
        await asyncio.gather(request, idle, return_exceptions=True)

    asyncio.run(run())


def test_signals_stay_the_programs() -> None:
    import signal

    async def run() -> None:
        before = signal.getsignal(signal.SIGTERM)
        async with serving(hello):
            assert signal.getsignal(signal.SIGTERM) is before

    asyncio.run(run())
