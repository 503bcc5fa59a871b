"""Certificates of listeners and of clients, and what a proxy says of them."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import websockets

from tests.surfaces.mqtt.listening import (
    FREE,
    WELCOME,
    certificates,  # noqa: F401
    create,
    greet,
    hello,
    server,
    trusting,
    watching,
)
from tests.surfaces.mqtt.management import Running, assert_error, scenario
from tests.wire.test_proxy import binary
from tests.wire.test_proxy import ssl as tls_field


def found_below(where: Path) -> list[Path]:
    """All certificates there."""
    return list(where.glob("**/*.pem"))


def test_proxy_headers(tmp_path: Path, certificates: Path) -> None:  # noqa: F811
    async def play(here: Running, seen: list[Any]) -> None:
        port = await create(here, name="p", proxy_protocol=True, proxy_protocol_timeout="100ms")
        first = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 1883\r\n"
        assert await greet(port, first) == WELCOME
        assert await greet(port, binary("2001:db8::1", fields=tls_field(b"zoe"))) == WELCOME
        assert await greet(port, binary(command=0)) == WELCOME
        found = [(each.address, each.port, each.common_name) for each in seen]
        assert found[:2] == [("192.0.2.7", 4711, None), ("2001:db8::1", 4711, "zoe")]
        assert found[2][0] == "127.0.0.1"
        assert await greet(port) == b""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first[:20])
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        # Before the handshake, and before HTTP.
        secure = await create(here, "ssl", "p", proxy_protocol=True, ssl_options=server(certificates))
        sock = socket.create_connection(("127.0.0.1", secure))
        sock.sendall(first)
        options = {"sock": sock, "ssl": trusting(certificates), "server_hostname": "localhost"}
        reader, writer = await asyncio.open_connection(**options)  # type: ignore[arg-type]
        writer.write(hello("tls"))
        assert await asyncio.wait_for(reader.read(4), 5) == WELCOME
        writer.close()
        assert seen[-1].address == "192.0.2.7"
        denied = await create(here, name="d", proxy_protocol=True, access_rules=["deny 192.0.2.0/24"])
        assert await greet(denied, first) == b""
        assert await greet(denied, first.replace(b"192.0.2.7", b"192.0.3.7")) == WELCOME

    scenario(tmp_path, watching(play))


def test_certificates_of_the_server(tmp_path: Path, certificates: Path) -> None:  # noqa: F811
    async def shown(port: int) -> str:
        context = trusting(certificates)
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        subject: Any = writer.get_extra_info("ssl_object").getpeercert()["subject"]
        writer.close()
        return str(dict(subject[0])["commonName"])

    async def play(here: Running) -> None:
        pem = {
            "certfile": (certificates / "server.pem").read_text(),
            "keyfile": (certificates / "server.key").read_text(),
        }
        port = await create(here, "ssl", ssl_options={**pem, "password": "unused"})
        assert await shown(port) == "localhost"
        assert await greet(port, ssl=trusting(certificates)) == WELCOME
        assert await greet(port) != WELCOME
        found = (await here.ask("GET", "/listeners/ssl:x")).json()["ssl_options"]
        path = Path(found["keyfile"])
        assert path.is_relative_to(tmp_path) and stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert (found["password"], found["verify"]) == ("******", "verify_none")
        # By the API: the files that were replaced are gone.
        change = {"id": "ssl:x", "type": "ssl", "ssl_options": server(certificates, "other", password="******")}
        assert (await here.ask("PUT", "/listeners/ssl:x", json=change)).status_code == 200
        assert await shown(port) == "other"
        assert not found_below(tmp_path / "certs")
        assert here.management.listening.get("ssl:x").options.ssl_options.password == "unused"  # type: ignore[union-attr]
        bad = {"id": "ssl:x", "type": "ssl", "ssl_options": {"keyfile": str(certificates / "ann.key")}}
        assert_error(await here.ask("PUT", "/listeners/ssl:x", json=bad), 400, "BAD_REQUEST")
        assert await shown(port) == "other"

        # By itself: a file that changes is read anew.
        own = tmp_path / "own"
        own.mkdir()
        for kind in ("pem", "key"):
            (own / f"own.{kind}").write_bytes((certificates / f"server.{kind}").read_bytes())
        port = await create(here, "ssl", "own", ssl_options=server(own, "own"))
        assert await shown(port) == "localhost"
        (own / "own.pem").write_text("no certificate")
        await asyncio.sleep(1.05)
        assert await shown(port) == "localhost"
        for kind in ("key", "pem"):
            (own / f"own.{kind}").write_bytes((certificates / f"other.{kind}").read_bytes())
        await asyncio.sleep(1.05)
        assert await shown(port) == "other"

        versions: dict[str, Any] = {"versions": ["tlsv1.2"], "ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256"]}
        port = await create(here, "ssl", "old", ssl_options=server(certificates, **versions))
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(certificates))
        spoken = writer.get_extra_info("cipher")
        assert spoken[:2] == ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2")
        writer.close()

    scenario(tmp_path, play)


def test_certificates_of_clients(tmp_path: Path, certificates: Path) -> None:  # noqa: F811
    async def play(here: Running, seen: list[Any]) -> None:
        asked = {"cacertfile": str(certificates / "ca.pem"), "verify": "verify_peer"}
        port = await create(here, "ssl", "may", ssl_options=server(certificates, **asked))
        assert await greet(port, ssl=trusting(certificates)) == WELCOME
        assert (seen[-1].common_name, seen[-1].subject) == (None, None)
        assert await greet(port, ssl=trusting(certificates, "ann")) == WELCOME
        assert (seen[-1].common_name, seen[-1].subject) == ("ann", "CN=ann,O=Folk")
        must = await create(here, "ssl", "must", ssl_options=server(certificates, **asked, fail_if_no_peer_cert=True))
        assert await greet(must, ssl=trusting(certificates)) == b""
        assert await greet(must, ssl=trusting(certificates, "ann")) == WELCOME
        await create(here, "wss", "must", ssl_options=server(certificates, **asked, fail_if_no_peer_cert=True))
        web = here.management.listening.get("wss:must").address
        context = trusting(certificates, "ann")
        async with websockets.connect(f"wss://{web}/mqtt", ssl=context, subprotocols=["mqtt"]) as client:  # type: ignore[list-item]
            await client.send(hello("web"))
            assert await client.recv() == WELCOME
        assert (seen[-1].common_name, seen[-1].listener) == ("ann", "wss:must")
        limits = here.stream.broker.limits
        limits.peer_cert_as_username, limits.peer_cert_as_clientid = "cn", "md5"
        assert await greet(must, ssl=trusting(certificates, "ann")) == WELCOME
        assert seen[-1].username == "ann" and len(seen[-1].client_id) == 32
        limits.peer_cert_as_username = "dn"
        assert await greet(must, ssl=trusting(certificates, "ann")) != WELCOME
        lacking = {"type": "ssl", "name": "z", "bind": FREE, "ssl_options": server(certificates, verify="verify_peer")}
        assert_error(await here.ask("POST", "/listeners", json=lacking), 400, "BAD_REQUEST")

    scenario(tmp_path, watching(play))
