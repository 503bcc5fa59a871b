"""Listeners by the management API, and the sockets they open."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest
import websockets

from folkmoot.wire import mqtt
from tests.net.serving import until
from tests.surfaces.mqtt.management import Running, assert_error, running, scenario
from tests.wire.test_proxy import binary
from tests.wire.test_proxy import ssl as tls_field

FREE = "127.0.0.1:0"


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


WELCOME = b"\x20\x02\0\0"


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


def found_below(where: Path) -> list[Path]:
    """All certificates there."""
    return list(where.glob("**/*.pem"))


def trusting(certificates: Path, own: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    context.check_hostname = False
    if own:
        context.load_cert_chain(certificates / f"{own}.pem", certificates / f"{own}.key")
    return context


def server(certificates: Path, name: str = "server", **more: Any) -> dict[str, Any]:
    return {"certfile": str(certificates / f"{name}.pem"), "keyfile": str(certificates / f"{name}.key"), **more}


# --- the API ------------------------------------------------------------------------------------------------------------


def test_listing_and_looking(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        rows = (await here.ask("GET", "/listeners")).json()
        status = {"running": True, "current_connections": 0, "max_connections": "infinity"}
        wanted = {
            "id": "tcp:default",
            "type": "tcp",
            "name": "default",
            "enable": True,
            "bind": f"127.0.0.1:{here.port}",
            "acceptors": 16,
            "number": 1,
            "status": status,
            "node_status": [{"node": "emqx@127.0.0.1", "status": status}],
        }
        assert rows == [wanted]
        assert (await here.ask("GET", "/listeners?type=ws")).json() == []
        assert_error(await here.ask("GET", "/listeners?type=udp"), 400, "INVALID_PARAMETER")
        async with here.client(identifier="c"):
            one = (await here.ask("GET", "/listeners/tcp:default")).json()
            assert (one["id"], one["type"], one["running"], one["current_connections"]) == (
                "tcp:default",
                "tcp",
                True,
                1,
            )
            assert one["access_rules"] == ["allow all"] and one["tcp_options"]["nodelay"] is True
            assert one["proxy_protocol_timeout"] == "3s" and "ssl_options" not in one
        await create(here, "ws", "w", max_connections=7)
        await create(here, "ws", "v", max_connections=5, enable=False)
        found = (await here.ask("GET", "/listeners_status")).json()
        assert [(each["type"], each["ids"]) for each in found] == [("tcp", ["tcp:default"]), ("ws", ["ws:v", "ws:w"])]
        both = {"running": "inconsistent", "current_connections": 0, "max_connections": 12}
        assert (found[1]["enable"], found[1]["status"]) == (True, both)
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop"), ("POST", "/restart")):
            assert_error(await here.ask(method, f"/listeners/tcp:none{path}"), 404, "BAD_LISTENER_ID")

    scenario(tmp_path, play)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "udp"}, "BAD_REQUEST"),
    ({"name": "a b"}, "BAD_REQUEST"),
    ({"name": None}, "BAD_REQUEST"),
    ({"bind": "nowhere"}, "BAD_REQUEST"),
    ({"bind": "203.0.113.7:1"}, "BAD_REQUEST"),
    ({"bind": f"{'x' * 300}:1"}, "BAD_REQUEST"),
    ({"colour": "red"}, "BAD_REQUEST"),
    ({"max_connections": 0}, "BAD_REQUEST"),
    ({"max_conn_rate": "many"}, "BAD_REQUEST"),
    ({"access_rules": ["allow everybody"]}, "BAD_REQUEST"),
    ({"enable_authn": "maybe"}, "BAD_REQUEST"),
    ({"tcp_options": {"backlog": "x"}}, "BAD_REQUEST"),
    ({"tcp_options": []}, "BAD_REQUEST"),
    ({"ssl_options": {}}, "BAD_REQUEST"),
    ({"type": "ssl"}, "BAD_REQUEST"),
    ({"type": "ssl", "ssl_options": {"certfile": "/no/such.pem", "keyfile": "/no/such.key"}}, "BAD_REQUEST"),
    ({"type": "ws", "websocket": {"mqtt_path": "mqtt"}}, "BAD_REQUEST"),
    ({"name": "default"}, "BAD_LISTENER_ID"),
]


def test_what_is_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for settings, code in BAD:
            body = {"type": "tcp", "name": "x", "bind": FREE, **settings}
            answer = await here.ask("POST", "/listeners", json=body)
            assert_error(answer, 400, code)
        assert (
            "tcp_options.backlog"
            in (
                await here.ask(
                    "POST", "/listeners", json={"type": "tcp", "name": "x", "bind": 1, "tcp_options": {"backlog": 0}}
                )
            ).text
        )
        for word, bad in (("type", {"type": "quic"}), ("name", {"name": "a/b"}), ("name", {"name": "n" * 256})):
            answer = await here.ask("POST", "/listeners", json={"type": "tcp", "name": "x", "bind": FREE, **bad})
            assert answer.json()["message"].startswith(f"{word}: "), answer.text
        busy = await here.ask("POST", "/listeners", json={"type": "tcp", "name": "x", "bind": f"127.0.0.1:{here.port}"})
        assert_error(busy, 400, "BAD_REQUEST")
        assert "in use" in busy.json()["message"]
        for body in ({}, {"type": "tcp"}, {"id": "tcp:other", "type": "tcp"}, {"id": "tcp:default", "type": "ws"}):
            answer = await here.ask("PUT", "/listeners/tcp:default", json=body)
            assert_error(answer, 400, "BAD_LISTENER_ID" if len(body) == 2 else "BAD_REQUEST")
        assert [each["id"] for each in (await here.ask("GET", "/listeners")).json()] == ["tcp:default"]
        assert await greet(here.port) == WELCOME

    scenario(tmp_path, play)


def test_the_demo_is_for_loopback_only(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        here.house.demo = True
        body = {"type": "tcp", "name": "x", "bind": "0.0.0.0:0"}
        assert_error(await here.ask("POST", "/listeners", json=body), 400, "BAD_REQUEST")
        change = {"id": "tcp:default", "type": "tcp", "bind": ":0"}
        assert_error(await here.ask("PUT", "/listeners/tcp:default", json=change), 400, "BAD_REQUEST")
        assert await greet(here.port) == WELCOME

    scenario(tmp_path, play)


def test_a_listener_lives_over_a_restart_and_wins_over_the_file(tmp_path: Path) -> None:
    async def first() -> None:
        async with running(tmp_path) as here:
            port = await create(here, mountpoint="m/", access_rules=["allow 127.0.0.0/8", "deny all"])
            assert await greet(port) == WELCOME
            change = {"id": "tcp:default", "type": "tcp", "max_connections": 5, "tcp_options": {"nodelay": False}}
            answer = (await here.ask("PUT", "/listeners/tcp:default", json=change)).json()
            assert (answer["max_connections"], answer["tcp_options"]["backlog"], answer["running"]) == (5, 1024, True)
            assert answer["bind"] == f"127.0.0.1:{here.port}"
            assert await greet(here.port) == WELCOME
            await create(here, name="gone")
            answer = await here.ask("DELETE", "/listeners/tcp:gone")
            assert (answer.status_code, answer.content) == (204, b"")

    async def second() -> None:
        async with running(tmp_path) as here:
            ids = {each["id"]: each for each in (await here.ask("GET", "/listeners")).json()}
            assert set(ids) == {"tcp:default", "tcp:x"}
            assert ids["tcp:default"]["status"]["max_connections"] == 5
            again = (await here.ask("GET", "/listeners/tcp:x")).json()
            assert (again["mountpoint"], again["access_rules"]) == ("m/", ["allow 127.0.0.0/8", "deny all"])
            assert await greet(int(again["bind"].rpartition(":")[2])) == WELCOME
            await here.ask("POST", "/listeners/tcp:x/stop")
            assert (await here.ask("DELETE", "/listeners/tcp:default")).status_code == 204

    async def third() -> None:
        async with running(tmp_path) as here:
            assert [each["id"] for each in (await here.ask("GET", "/listeners")).json()] == ["tcp:x"]
            assert (await here.ask("GET", "/listeners/tcp:x")).json()["running"] is False

    asyncio.run(first())
    asyncio.run(second())
    asyncio.run(third())


def test_starting_and_stopping(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here)
        async with here.client(identifier="stays"):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", port, username="ann", password="secret") as client:
                    answer = await here.ask("POST", "/listeners/tcp:x/stop")
                    assert (answer.status_code, answer.content) == (200, b"")
                    async for _ in client.messages:
                        pass
            assert await greet(port) == b""
            found = (await here.ask("GET", "/listeners/tcp:x")).json()
            assert (found["enable"], found["running"], found["current_connections"]) == (False, False, 0)
            change = {"id": "tcp:x", "type": "tcp", "bind": f"127.0.0.1:{port}"}
            assert (await here.ask("PUT", "/listeners/tcp:x", json=change)).json()["running"] is False
            assert (await here.ask("POST", "/listeners/tcp:x/start")).status_code == 200
            assert await greet(port) == WELCOME
            assert (await here.ask("POST", "/listeners/tcp:x/restart")).status_code == 200
            assert await greet(port) == WELCOME
            with socket.create_server(("127.0.0.1", 0)) as taken:
                busy = {**change, "bind": f"127.0.0.1:{taken.getsockname()[1]}"}
                assert_error(await here.ask("PUT", "/listeners/tcp:x", json=busy), 400, "BAD_REQUEST")
            assert await greet(port) == WELCOME
            assert (await here.ask("GET", "/listeners/tcp:default")).json()["current_connections"] == 1

    scenario(tmp_path, play)


# --- whom they let in ---------------------------------------------------------------------------------------------------


def test_access_connections_and_rates(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        denied = await create(here, name="denied", access_rules=["deny 127.0.0.1", "allow all"])
        assert await greet(denied) == b""
        few = await create(here, name="few", max_connections=1)
        async with aiomqtt.Client("127.0.0.1", few, username="ann", password="secret"):
            assert await greet(few) == b""
        await until(lambda: not here.management.listening.get("tcp:few").connections)
        assert await greet(few) == WELCOME
        slow = await create(here, name="slow", max_conn_rate="1/h")
        assert [await greet(slow), await greet(slow)] == [WELCOME, b""]
        limiter = here.stream.broker.options.limiter
        limiter.max_conn_rate = 1 / 3600
        assert [await greet(few), await greet(few)] == [WELCOME, b""]
        limiter.max_conn_rate = None
        assert await greet(few) == WELCOME

    scenario(tmp_path, play)


def test_who_sends_too_much_is_not_read_from(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here, name="rated", messages_rate="100/s")
        web = await create(here, "ws", "rated", messages_rate="100/s")
        for options in ({"port": port}, {"port": web, "transport": "websockets"}):
            before = sum(here.stream.broker.received)
            async with aiomqtt.Client("127.0.0.1", username="ann", password="secret", **options) as client:
                began = asyncio.get_running_loop().time()
                await client.publish("t", "x", qos=1)
                for _ in range(130):
                    await client.publish("t", "x", qos=0)
                # A second's worth is free, and what was read at once is taken at once.
                await client.publish("t", "x", qos=1)
                await client.publish("t", "x", qos=1)
                assert asyncio.get_running_loop().time() - began >= 0.2
            await until(lambda before=before: sum(here.stream.broker.received) - before == 133)  # type: ignore[misc]

    scenario(tmp_path, play)


def test_who_is_not_read_from_is_not_silent(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here, name="rated", messages_rate="10/s")
        web = await create(here, "ws", "rated", messages_rate="10/s")
        broker, packets = here.stream.broker, mqtt.encode(mqtt.Publish("t", b"x"), 4) * 100
        greeting = mqtt.encode(mqtt.Connect(4, "c", True, 1, "ann", b"secret"), 4)

        def heard() -> int:
            link = broker.sessions["c"].link
            return sum(link.received) if link is not None else 0

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # What came with CONNECT, and waited for its answer, counts as well.
        writer.write(greeting + packets)
        assert await reader.readexactly(4) == WELCOME
        await until(lambda: heard() == 100)
        broker.tick(here.stream.now() + 5)
        assert "c" in broker.sessions
        broker.tick(here.stream.now() + 60)
        assert "c" not in broker.sessions
        writer.close()
        url = f"ws://127.0.0.1:{web}/mqtt"
        async with websockets.connect(url, subprotocols=["mqtt"]) as client:  # type: ignore[list-item]
            await client.send(greeting)
            assert await client.recv() == WELCOME
            await client.send(packets)
            await until(lambda: heard() == 100)
            broker.tick(here.stream.now() + 5)
            assert "c" in broker.sessions
            client.transport.abort()

    scenario(tmp_path, play)


def watching(play: Callable[[Running, list[Any]], Awaitable[None]]) -> Callable[[Running], Awaitable[None]]:
    """The play with a list of the clients that have connected."""

    async def watched(here: Running) -> None:
        seen = list[Any]()
        here.stream.broker.happenings.connected.append(lambda session, now: seen.append(session.client))
        await play(here, seen)

    return watched


def test_proxy_headers(tmp_path: Path, certificates: Path) -> None:
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


def test_what_a_listener_says_of_a_client(tmp_path: Path) -> None:
    async def play(here: Running, seen: list[Any]) -> None:
        port = await create(here, name="m", mountpoint="at/${clientid}/", zone="near", enable_authn=False)
        assert await greet(port) == WELCOME
        found = seen[-1]
        assert (found.listener, found.zone, found.enable_authn) == ("tcp:m", "near", False)
        assert found.mountpoint in ("at/${clientid}/", "at/raw/")
        assert found.sockname == f"127.0.0.1:{port}"

    scenario(tmp_path, watching(play))


# --- TLS ----------------------------------------------------------------------------------------------------------------


def test_certificates_of_the_server(tmp_path: Path, certificates: Path) -> None:
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


def test_certificates_of_clients(tmp_path: Path, certificates: Path) -> None:
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


# --- WebSocket ----------------------------------------------------------------------------------------------------------


async def web_status(url: str, **options: Any) -> int | str | None:
    """The status of a refusal, or the subprotocol that was agreed on."""
    try:
        async with websockets.connect(url, **options) as client:
            await client.send(hello("web"))
            assert await client.recv() == WELCOME
            return client.subprotocol
    except websockets.InvalidStatus as error:
        return error.response.status_code


def test_websocket_options(tmp_path: Path) -> None:
    async def play(here: Running, seen: list[Any]) -> None:
        port = await create(here, "ws", "w", websocket={"mqtt_path": "/else"}, max_connections=1)
        url = f"ws://127.0.0.1:{port}"
        mqtt_only: dict[str, Any] = {"subprotocols": ["mqtt"]}
        assert await web_status(f"{url}/mqtt", **mqtt_only) == 404
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser:
            assert [(await browser.get(path)).status_code for path in ("/else", "/mqtt")] == [400, 404]
        assert await web_status(f"{url}/else", **mqtt_only) == "mqtt"
        assert await web_status(f"{url}/else", subprotocols=["amqp", "mqtt-v5"]) == "mqtt-v5"
        assert await web_status(f"{url}/else") == 400
        assert await web_status(f"{url}/else", subprotocols=["mqttv3.1"]) == "mqttv3.1"
        assert await web_status(f"{url}/else", subprotocols=["amqp"]) == 400
        near = {"additional_headers": {"x-forwarded-for": "10.0.0.1, 192.0.2.9", "x-forwarded-port": "4712"}}
        assert await web_status(f"{url}/else", **mqtt_only, **near) == "mqtt"
        assert (seen[-1].address, seen[-1].port) == ("192.0.2.9", 4712)
        async with websockets.connect(f"{url}/else", **mqtt_only):
            await until(lambda: len(here.management.listening.get("ws:w").connections) == 1)
            assert await web_status(f"{url}/else", **mqtt_only) == 403
        strict = {
            "fail_if_no_subprotocol": False,
            "check_origin_enable": True,
            "check_origins": "http://good.example, http://fine.example",
            "allow_origin_absence": False,
            "proxy_address_header": "",
            "max_frame_size": 50,
        }
        change = {"id": "ws:w", "type": "ws", "websocket": strict, "max_connections": "infinity"}
        answer = (await here.ask("PUT", "/listeners/ws:w", json=change)).json()
        assert (answer["websocket"]["mqtt_path"], answer["websocket"]["max_frame_size"]) == ("/else", 50)
        assert await web_status(f"{url}/else") == 400
        assert await web_status(f"{url}/else", origin="http://evil.example") == 400
        assert await web_status(f"{url}/else", origin="http://fine.example", **near) is None
        assert seen[-1].address == "127.0.0.1"
        async with websockets.connect(f"{url}/else", origin="http://good.example") as client:  # type: ignore[arg-type]
            await client.send(hello("x" * 100))
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()

    scenario(tmp_path, watching(play))


async def deaf(here: Running, port: int, client_id: str) -> socket.socket:
    """A client whose socket is full of what it has not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    sock.sendall(hello(client_id) + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter(client_id, 0)]), 4))
    sessions = here.stream.broker.sessions
    await until(lambda: client_id in sessions and len(sessions[client_id].subscriptions) == 1)
    body = {"topic": client_id, "payload": "x" * 1_000_000}
    assert (await here.ask("POST", "/publish", json=body)).status_code == 200
    return sock


def test_who_reads_nothing_is_gone_when_the_listener_says_so(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        quick = await create(here, name="quick", tcp_options={"send_timeout": "300ms", "sndbuf": 4096})
        calm = {"send_timeout": "300ms", "send_timeout_close": False, "sndbuf": 4096}
        patient = await create(here, name="patient", tcp_options=calm)
        sessions, loop = here.stream.broker.sessions, asyncio.get_running_loop()
        with (
            await deaf(here, patient, "kept"),
            await deaf(here, quick, "slow") as slow,
            await deaf(here, quick, "gone"),
        ):
            # Who reads a little all the time is no such peer.
            while "gone" in sessions:
                await loop.sock_recv(slow, 20_000)
                await asyncio.sleep(0.05)
            assert {"slow", "kept"} <= set(sessions)

    scenario(tmp_path, play)


def test_websockets_that_say_nothing_and_frames_of_one_packet(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        options = {"idle_timeout": "300ms", "mqtt_piggyback": "single"}
        port = await create(here, "ws", "w", websocket=options, tcp_options={"nolinger": True})
        for number in range(3):
            body = {"topic": f"kept/{number}", "payload": "x" * 200, "retain": True}
            assert (await here.ask("POST", "/publish", json=body)).is_success
        async with websockets.connect(f"ws://127.0.0.1:{port}/mqtt", subprotocols=["mqtt"]) as client:  # type: ignore[list-item]
            await client.send(hello("c") + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("kept/+", 0)]), 4))
            frames = [bytes(await client.recv(decode=False)) for _ in range(5)]
            assert [frame[0] >> 4 for frame in frames] == [2, 9, 3, 3, 3]
            assert all(mqtt.parse(frame, 4)[1] == len(frame) for frame in frames)
            for _ in range(4):
                await asyncio.sleep(0.1)
                await client.send(mqtt.PINGREQ)
                assert await client.recv() == mqtt.PINGRESP
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(client.recv(), 5)
        listening = here.management.listening.get("ws:w")._socket
        assert listening is not None and listening.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == b"\1" + bytes(
            7
        )

    scenario(tmp_path, play)
