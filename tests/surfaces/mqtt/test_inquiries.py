"""A web server that knows the clients (contract §2.11, http)."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiomqtt
import msgspec
import pytest

from folkmoot.config import Config, Limits, Outgoing
from tests.net.serving import serving
from tests.surfaces.mqtt.listening import certificates, create, greet, server, trusting  # noqa: F401
from tests.surfaces.mqtt.management import Running, assert_error, scenario
from tests.surfaces.mqtt.test_authentication import code, make

CONFIG = Config(limits=Limits(enabled=False), outgoing=Outgoing(allowed_networks=("127.0.0.0/8",)))
HTTP_ID = "password_based:http"
STATUS = "/authentication/password_based:http/status"


class Knowing:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {"result": "allow"}
        self.kind = b"application/json"
        self.delay = 0.0
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
        self.asked.append((scope["method"], target, headers, body))
        await asyncio.sleep(self.delay)
        answer = self.answer if isinstance(self.answer, bytes) else msgspec.json.encode(self.answer)
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-type", self.kind)]})
        await send({"type": "http.response.body", "body": b"" if self.status == 204 else answer})


@asynccontextmanager
async def knowing(here: Running, **more: Any) -> Any:
    server = Knowing()
    async with serving(server) as address:
        document = {"mechanism": "password_based", "backend": "http", "method": "post", "url": f"http://{address}/auth"}
        await make(here, document | more)
        yield server


def test_what_it_is_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = {"who": "${username}", "pw": "${password}", "id": "${clientid}", "at": "${peerhost}", "l": "${listener}"}

    async def play(here: Running) -> None:
        async with knowing(here, body=body, headers={"X-Id": "${clientid}"}) as server:
            assert await code(here, "dév", 'p"w', identifier="a b") == 0
            method, target, headers, sent = server.asked.pop()
            assert (method, target, headers["x-id"]) == ("POST", "/auth?", "a b")
            assert headers["content-type"] == "application/json"
            assert msgspec.json.decode(sent) == {
                "who": "dév",
                "pw": 'p"w',
                "id": "a b",
                "at": "127.0.0.1",
                "l": "tcp:default",
            }
            document = (await here.ask("GET", "/authentication/password_based:http")).json()
            document |= {"headers": {"content-type": "application/x-www-form-urlencoded"}}
            await here.ask("PUT", "/authentication/password_based:http", json=document)
            assert await code(here, "dev", "a&b", identifier="c") == 0
            assert parse_qs(server.asked.pop()[3].decode())["pw"] == ["a&b"]
            document |= {"method": "get", "headers": {}, "url": document["url"] + "/${clientid}?x=1"}
            await here.ask("PUT", "/authentication/password_based:http", json=document)
            assert await code(here, "dev", "a&b", identifier="c/../d") == 0
            method, target, headers, sent = server.asked.pop()
            assert method == "GET" and target.startswith("/auth/c%2F..%2Fd?x=1&who=dev&pw=a%26b") and sent == b""

    with caplog.at_level(logging.DEBUG):
        scenario(tmp_path, play, CONFIG)
    # In no address or header that is logged, either.
    assert "a%26b" not in caplog.text and "a&b" not in caplog.text


def test_what_it_says(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        answer: Any
        async with knowing(here) as server:
            for status, answer, found in (
                (200, {"result": "allow"}, 0),
                (204, b"", 0),
                (200, {"result": "deny"}, 0x87),
                (200, {"result": "allow", "expire_at": 5}, 0x87),
            ):
                server.status, server.answer = status, answer
                assert await code(here, "dev", "x") == found, answer
                # It has decided: the accounts are not asked.
                assert (await code(here, "ann", "secret") == 0) == (found == 0)
            for status, answer in (
                (200, {"result": "ignore"}),
                (200, {"result": "perhaps"}),
                (200, {"result": ["allow"]}),
                (200, {}),
                (200, []),
                (200, b"{"),
                (200, b"allow"),
                (200, b"x" * 1_000_000),
                (200, {"result": "allow", "acl": "all"}),
                (200, {"result": "allow", "expire_at": "later"}),
                (403, {"result": "allow"}),
                (302, {"result": "allow"}),
                (500, b""),
            ):
                server.status, server.answer = status, answer
                assert await code(here, "dev", "x") == 0x87, answer
                assert await code(here, "ann", "secret") == 0, answer
            status = (await here.ask("GET", STATUS)).json()
            assert status["status"] == "disconnected" and status["node_error"][0]["error"] == "status 500"
            assert status["metrics"]["nomatch"] == 26 and status["resource_metrics"]["failed"] == 24
            assert status["resource_metrics"]["matched"] == 8 + 26
            server.kind, server.status, server.answer = b"application/x-www-form-urlencoded", 200, b"result=allow"
            assert await code(here, "dev", "x") == 0
            assert (await here.ask("GET", STATUS)).json()["status"] == "connected"

    scenario(tmp_path, play, CONFIG)


def test_what_it_gives(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        end = time.time() + 500
        async with knowing(here) as server:
            server.answer = {
                "result": "allow",
                "is_superuser": True,
                "client_attrs": {"site": "x"},
                "expire_at": end,
                "acl": [{"permission": "deny", "action": "all", "topic": "#"}],
            }
            async with aiomqtt.Client("127.0.0.1", here.port, username="dev", password="x", identifier="c"):
                client = here.stream.broker.sessions["c"].client
                assert (client.is_superuser, client.attrs, client.expires_at) == (True, {"site": "x"}, end)
                assert client.rules is not None

    scenario(tmp_path, play, CONFIG)


def test_slow_and_gone(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with knowing(here, request_timeout="300ms", pool_size=2, enable_pipelining=1) as server:
            server.delay = 5.0
            began = time.monotonic()
            waiting = [asyncio.create_task(code(here, "dev", "x", identifier=f"c{place}")) for place in range(6)]
            # Others are not held up, and those that wait do so no longer than they were told.
            assert (await here.ask("GET", "/nodes")).status_code == 200
            assert await asyncio.gather(*waiting) == [0x87] * 6
            assert time.monotonic() - began < 4
            server.delay = 0.0
            assert await code(here, "dev", "x") == 0
        assert await code(here, "dev", "x") == 0x87
        assert await code(here, "ann", "secret") == 0

    scenario(tmp_path, play, CONFIG)


def test_private_networks_are_not_asked(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with knowing(here) as server:
            assert await code(here, "dev", "x") == 0x87
            assert not server.asked
            assert "not a public address" in (await here.ask("GET", STATUS)).json()["node_error"][0]["error"]

    scenario(tmp_path, play)


@asynccontextmanager
async def secured(where: Path, seen: list[Any]) -> Any:
    """A server over TLS that lets in whoever shows a certificate of our authority; its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(where / "ca.pem"))
    context.load_cert_chain(where / "server.pem", where / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen.append(dict(each[0] for each in writer.get_extra_info("peercert")["subject"])["commonName"])
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def test_servers_with_certificates_of_our_own(tmp_path: Path, certificates: Path) -> None:  # noqa: F811
    seen = list[Any]()

    async def play(here: Running) -> None:
        async with secured(certificates, seen) as port:
            tls: dict[str, Any] = {
                "enable": True,
                "cacertfile": str(certificates / "ca.pem"),
                "certfile": (certificates / "ann.pem").read_text(),
                "keyfile": (certificates / "ann.key").read_text(),
            }
            url = f"https://localhost:{port}/"
            source = {"type": "http", "method": "get", "url": url, "ssl": tls}
            for wrong in ({**tls, "cacertfile": "/nowhere"}, {**tls, "verify": "maybe"}, {**tls, "keyfile": "no key"}):
                authenticator = {"mechanism": "password_based", "backend": "http", "url": url, "ssl": wrong}
                assert_error(await here.ask("POST", "/authentication", json=authenticator), 400, "BAD_REQUEST")
                answer = await here.ask("POST", "/authorization/sources", json={**source, "ssl": wrong})
                assert_error(answer, 400, "BAD_REQUEST")
            await make(here, {**authenticator, "ssl": tls})
            assert await code(here, "dev", "pw") == 0 and seen == ["ann"]
            assert (await here.ask("POST", "/authorization/sources", json=source)).status_code == 204
            async with here.client("dev", "pw", identifier="d") as client:
                await client.publish("asked", "x", qos=1)
            assert seen == ["ann"] * 3
            for path in ("/authentication", "/authorization/sources"):
                assert "PRIVATE KEY" not in (await here.ask("GET", path)).text
            # Without the authority nobody is believed; whoever does not answer is passed over.
            document = {**authenticator, "ssl": {"enable": True}}
            assert (await here.ask("PUT", f"/authentication/{HTTP_ID}", json=document)).status_code == 204
            assert await code(here, "dev", "pw") != 0 and len(seen) == 3

    scenario(tmp_path, play, CONFIG)


def test_every_placeholder(tmp_path: Path, certificates: Path) -> None:  # noqa: F811
    names = "clientid username password peerhost peerport cert_subject cert_common_name cert_pem zone listener"
    body = {name: f"${{{name}}}" for name in [*names.split(), "client_attrs.site", "client_attrs.none"]}

    async def play(here: Running) -> None:
        attrs = [{"expression": "nth(1, tokens(clientid, '-'))", "set_as_attr": "site"}]
        await here.ask("PUT", "/configs/global_zone", json={"mqtt": {"client_attrs_init": attrs}})
        tls = server(certificates, cacertfile=str(certificates / "ca.pem"), verify="verify_peer")
        port = await create(here, "ssl", "s", ssl_options=tls, zone="near")
        async with knowing(here, body=body) as web:
            assert await greet(port, client_id="mill-1", ssl=trusting(certificates, "ann")) == b"\x20\x02\0\0"
            found = msgspec.json.decode(web.asked.pop()[3])
        assert found.pop("peerport").isdigit()
        pem = (certificates / "ann.pem").read_text()
        assert found == {
            "clientid": "mill-1",
            "username": "ann",
            "password": "secret",
            "peerhost": "127.0.0.1",
            "cert_subject": "CN=ann,O=Folk",
            "cert_common_name": "ann",
            "cert_pem": pem,
            "zone": "near",
            "listener": "ssl:s",
            "client_attrs.site": "mill",
            "client_attrs.none": "",
        }

    scenario(tmp_path, play, CONFIG)
