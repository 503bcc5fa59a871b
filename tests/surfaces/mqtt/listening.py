"""Making listeners by the management API, and raw clients that come by them."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from folkmoot.wire import mqtt
from tests.surfaces.mqtt.management import Running

FREE = "127.0.0.1:0"
WELCOME = b"\x20\x02\0\0"


async def create(here: Running, kind: str = "tcp", name: str = "x", **settings: Any) -> int:
    """A new listener's port."""
    answer = await here.ask("POST", "/listeners", json={"type": kind, "name": name, "bind": FREE, **settings})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["bind"].rpartition(":")[2])


def hello(client_id: str) -> bytes:
    return mqtt.encode(mqtt.Connect(4, client_id, username="ann", password=b"secret"), 4)


async def greet(port: int, before: bytes = b"", client_id: str = "raw", **options: Any) -> bytes:
    """What the broker says to a CONNECT, empty when it closes."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    except OSError:
        return b""
    try:
        writer.write(before + hello(client_id))
        return await asyncio.wait_for(reader.read(100), 5)
    except OSError:
        return b""
    finally:
        writer.close()


def openssl(*words: str, where: Path) -> None:
    subprocess.run(["openssl", *words], cwd=where, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca`, `server`, `other` (a second server's) and `ann`, each with its key."""
    where = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "9", where=where)
    for name, subject in (("server", "/CN=localhost"), ("other", "/CN=other"), ("ann", "/O=Folk/CN=ann")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, where=where)
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem", where=where)
    return where


def trusting(certificates: Path, own: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    context.check_hostname = False
    if own:
        context.load_cert_chain(certificates / f"{own}.pem", certificates / f"{own}.key")
    return context


def server(certificates: Path, name: str = "server", **more: Any) -> dict[str, Any]:
    return {"certfile": str(certificates / f"{name}.pem"), "keyfile": str(certificates / f"{name}.key"), **more}


def watching(play: Callable[[Running, list[Any]], Awaitable[None]]) -> Callable[[Running], Awaitable[None]]:
    """The play with a list of the clients that have connected."""

    async def watched(here: Running) -> None:
        seen = list[Any]()
        here.stream.broker.happenings.connected.append(lambda session, now: seen.append(session.client))
        await play(here, seen)

    return watched
