"""What strangers try: names that lead elsewhere, pages of others in a browser, balancers that are none; and who sees secrets."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from aiomqtt import Client as MqttClient
from aiomqtt import ProtocolVersion

from folkmoot.config import Config, Limits, Outgoing
from folkmoot.domain import accounts
from folkmoot.domain.broker import Client
from folkmoot.net import outgoing
from folkmoot.surfaces.mqtt import inquiry
from tests.net.serving import serving
from tests.surfaces.mqtt.listening import create
from tests.surfaces.mqtt.management import ADMIN, Running, scenario
from tests.surfaces.mqtt.test_authentication import HMAC, make
from tests.surfaces.mqtt.test_inquiries import CONFIG, Knowing
from tests.surfaces.mqtt.test_tokens import HMAC as TOKENS
from tests.surfaces.mqtt.test_tokens import sign

HELLO = b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x02hi"


async def knock_web(port: int, **options: Any) -> int:
    """The code CONNACK has for a client without a name."""
    async with websockets.connect(f"ws://127.0.0.1:{port}/mqtt", subprotocols=["mqtt"], **options) as client:  # type: ignore[list-item]
        await client.send(HELLO)
        answer = await asyncio.wait_for(client.recv(), 5)
        assert isinstance(answer, bytes)
        return answer[3]


async def knock(port: int, first: bytes = b"") -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first + HELLO)
    answer = await asyncio.wait_for(reader.read(4), 5)
    writer.close()
    return answer[3]


def test_only_this_machines_programs_are_let_in_without_a_name(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        port = await create(here, "ws", "w")
        assert await knock_web(port) == 0
        assert await knock_web(port, origin="http://localhost:18083") == 0
        assert await knock_web(port, origin="http://127.0.0.1") == 0
        for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
            assert await knock_web(port, origin=origin) == 0x87, origin
        for name in ("x-forwarded-for", "x-forwarded-host", "forwarded", "via", "x-real-ip"):
            assert await knock_web(port, additional_headers={name: "127.0.0.1"}) == 0x87, name
        behind = await create(here, name="p", proxy_protocol=True)
        assert await knock(behind, b"PROXY TCP4 127.0.0.1 127.0.0.1 4711 1883\r\n") == 0x87
        assert await knock(behind, b"PROXY UNKNOWN\r\n") == 0
        mapped = await create(here, name="m", proxy_protocol=True, access_rules=["deny 192.0.2.0/24", "allow all"])
        with pytest.raises((IndexError, ConnectionError)):
            await knock(mapped, b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 1883\r\n")

    scenario(tmp_path, play)


def test_what_a_client_is_called_changes_no_request(tmp_path: Path) -> None:
    class Asked:
        url = "http://auth.example/check/${username}/role"
        method = "post"
        headers = {"X-Name": "${username}"}
        body: dict[str, Any] = {}

    def made(name: str) -> inquiry.Inquiry:
        return inquiry.prepare(Asked(), inquiry.client_columns(Client(username=name)))

    assert made("a/../b?c#d\r\n\0").url == "http://auth.example/check/a%2F..%2Fb%3Fc%23d%0D%0A%00/role"
    assert made("a\r\nX-Role: admin\0").headers["x-name"] == "aX-Role: admin"
    for name in (".", ".."):
        with pytest.raises(ValueError, match="leads elsewhere"):
            made(name)

    async def play(here: Running) -> None:
        server = Knowing()
        async with serving(server) as address:
            source = {
                "type": "http",
                "url": f"http://{address}/may/${{username}}/x",
                "headers": {"X-Id": "${clientid}"},
            }
            assert (await here.ask("POST", "/authorization/sources", json=source)).status_code == 204
            await here.ask(
                "POST", "/authentication", json={"mechanism": "password_based", "backend": "built_in_database"}
            )
            path = "/authentication/password_based:built_in_database/users"
            for name in ("..", "dév"):
                await here.ask("POST", path, json={"user_id": name, "password": "pw"})
            options: dict[str, Any] = {"protocol": ProtocolVersion.V5}
            async with here.client("..", "pw", **options) as client:
                assert [getattr(each, "value", each) for each in await client.subscribe("t", 1)] == [0x87], (
                    "nobody can be asked"
                )
            async with here.client("dév", "pw", identifier="é😀", **options) as client:
                server.answer = {"result": "deny"}
                assert [getattr(each, "value", each) for each in await client.subscribe("t", 1)] == [0x87], (
                    "it is asked"
                )
            assert [(target, headers["x-id"]) for _, target, headers, _ in server.asked] == [
                ("/may/d%C3%A9v/x?", "é😀"),
            ]
            server.asked.clear()
            # An API key is not above what the operator has set either.
            answer = await here.ask("POST", "/publish", json={"topic": "t", "payload": "x"})
            assert server.asked
            assert answer.json()["reason_code"] == 0x87

    scenario(tmp_path, play, CONFIG)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b"])
def test_no_header_has_a_line_break_whoever_sends_it(value: str) -> None:
    async def run() -> None:
        async with outgoing.Outgoing(allowed_networks=["127.0.0.0/8"]) as client:
            with pytest.raises(outgoing.OutgoingError) as failed:
                await client.request("GET", "http://127.0.0.1:9/", headers={"x": value})
            assert failed.value.permanent

    asyncio.run(run())


def test_who_may_only_look_sees_no_secrets(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        source = {
            "type": "http",
            "url": "http://auth.example/x",
            "headers": {"Authorization": "Bearer deep-secret", "X-Auth-Token": "deep-secret", "X-Id": "${clientid}"},
            "body": {"api_key": "deep-secret", "who": "${username}"},
        }
        assert (await here.ask("POST", "/authorization/sources", json=source)).status_code == 204
        connector = {
            "type": "http",
            "name": "c",
            "url": "http://127.0.0.1:9",
            "headers": {"X-Auth-Token": "deep-secret", "Api-Key": "deep-secret"},
        }
        answer = await here.ask("POST", "/connectors", json=connector)
        assert answer.status_code == 201, answer.text
        await make(here, HMAC | {"secret": "deep-secret"})
        gateway = {"push_gateway": {"headers": {"Authorization": "deep-secret"}}}
        shown = (await here.ask("PUT", "/prometheus", json=gateway)).json()
        assert (await here.ask("PUT", "/prometheus", json=shown)).status_code == 200
        kept_headers = here.management.monitoring.prometheus.push_gateway.headers
        assert kept_headers == {"Authorization": "deep-secret"}
        answer = await here.ask("POST", "/api_key", json={"name": "eyes", "enable": True, "role": "viewer"})
        eyes = httpx.BasicAuth(answer.json()["api_key"], answer.json()["api_secret"])
        for path in ("/authorization/sources", "/authorization/sources/http", "/connectors", "/connectors/http:c",
                     "/authentication", "/configs", "/listeners", "/prometheus"):  # fmt: skip
            for auth in (eyes, ADMIN):
                answer = await here.ask("GET", path, auth=auth)
                assert answer.status_code == 200
                assert "deep-secret" not in answer.text, path
        shown = (await here.ask("GET", "/authorization/sources/http")).json()
        assert shown["headers"]["X-Id"] == "${clientid}"
        answer = await here.ask("PUT", "/authorization/sources/http", json={**shown, "enable": False})
        assert answer.status_code == 204
        [kept] = [each.source for each in here.management.permissions.gate.sources if each.type == "http"]
        assert kept.headers == source["headers"] and kept.body == source["body"]  # type: ignore[union-attr]

    scenario(tmp_path, play, CONFIG)


def test_a_token_that_comes_as_the_name_is_shown_to_nobody(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, {**TOKENS, "from": "username"})
        for claims, name in (({"sub": "pump-7"}, "pump-7"), ({}, None)):
            token = sign(exp=int(time.time()) + 100, **claims)
            async with MqttClient("127.0.0.1", here.port, username=token, identifier="c"):
                session = here.stream.broker.sessions["c"]
                assert (session.client.username, session.identity.name) == (name, name)
                assert token not in (await here.ask("GET", "/clients")).text

    scenario(tmp_path, play)


def test_who_is_banned_from_the_site_writes_by_no_rule(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        house = here.house
        rule = {
            "sql": 'SELECT payload FROM "in/#"',
            "actions": [{"function": "post", "args": {"space": "square", "title": "Said", "body": "${payload}"}}],
        }
        answer = await here.ask("POST", "/rules", json=rule)
        assert answer.status_code == 201, answer.text
        await house.db.write(prepare, house)
        async with here.client() as client:
            await client.publish("in/x", "one", 1)
            await counted(here, answer.json()["id"], "actions.success")
            await house.db.write(ban, house)
            await client.publish("in/x", "two", 1)
            await counted(here, answer.json()["id"], "actions.failed")
        assert await house.db.read(lambda tx: tx.value("SELECT count(*) FROM messages")) == 1

    def prepare(tx: Any, house: Any) -> None:
        from folkmoot.domain import spaces

        owner = accounts.actor_of_account(tx, accounts.list_admins(tx)[0].id, house.now())
        space = spaces.create_space(tx, owner, "square", "Square", None, house.now())
        spaces.add_list_face(tx, space.id, space.owner_id, "square")

    def ban(tx: Any, house: Any) -> None:
        tx.run("UPDATE accounts SET banned_at = :now WHERE name_key = 'admin'", now=house.now())

    async def counted(here: Running, rule_id: str, name: str) -> None:
        for _ in range(250):
            if (await here.ask("GET", f"/rules/{rule_id}/metrics")).json()["metrics"][name]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(name)

    scenario(tmp_path, play, Config(limits=Limits(enabled=False), outgoing=Outgoing()))
