"""SCRAM over MQTT 5's enhanced authentication (§4.12), with a client of our own on a bare socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from folkmoot.domain import authorization
from folkmoot.domain.authentication import ScramUser, change_user
from folkmoot.house import utc_now
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Reason
from tests.domain.authentication.client import ScramClient
from tests.surfaces.mqtt.management import Running, scenario
from tests.surfaces.mqtt.test_authentication import SCRAM, add_user, code, make

PATH = "/authentication/scram:built_in_database"
METHOD = "SCRAM-SHA-256"


class Peer:
    """Sends and reads packets of MQTT 5."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, packet: mqtt.Packet) -> None:
        self._writer.write(mqtt.encode(packet, mqtt.MQTT_5))
        await self._writer.drain()

    async def hear(self) -> mqtt.Packet:
        head = await self._reader.readexactly(2)
        size = head[1]
        if size > 127:
            head += await self._reader.readexactly(1)
            size = (head[1] & 127) | head[2] << 7
        packet, _ = mqtt.parse(head + await self._reader.readexactly(size), mqtt.MQTT_5)
        return packet

    async def is_closed(self) -> bool:
        return await self._reader.read() == b""

    async def connect(self, method: str | None, data: bytes | None, name: str | None = None, **more: str) -> None:
        properties: mqtt.Properties = {}
        if method is not None:
            properties[Prop.AUTH_METHOD] = method
        if data is not None:
            properties[Prop.AUTH_DATA] = data
        client_id = more.get("client_id", "c")
        await self.say(mqtt.Connect(5, client_id, True, 60, username=name, properties=properties))

    async def auth(self, code: int, data: bytes, method: str = METHOD) -> None:
        await self.say(mqtt.Auth(code, {Prop.AUTH_METHOD: method, Prop.AUTH_DATA: data}))

    async def challenge(self, method: str = METHOD) -> bytes:
        packet = await self.hear()
        assert isinstance(packet, mqtt.Auth) and packet.code == Reason.CONTINUE_AUTHENTICATION, packet
        assert packet.properties[Prop.AUTH_METHOD] == method
        return packet.properties[Prop.AUTH_DATA]  # type: ignore[return-value]

    async def enter(self, scram: ScramClient, method: str = METHOD, name: str | None = None) -> mqtt.Packet:
        await self.connect(method, scram.first(), name)
        await self.auth(Reason.CONTINUE_AUTHENTICATION, scram.final(await self.challenge(method)), method)
        return await self.hear()


@asynccontextmanager
async def peer(here: Running) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


def refused(packet: mqtt.Packet) -> int:
    assert isinstance(packet, mqtt.Connack), packet
    return packet.code


def test_in_and_again(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, {**SCRAM, "iteration_count": 50})
        await add_user(here, "dev", "public", PATH, is_superuser=True)
        async with peer(here) as client:
            scram = ScramClient("dev", "public", "sha256")
            answer = await client.enter(scram)
            assert isinstance(answer, mqtt.Connack) and answer.code == 0
            # [MQTT-4.12.0-5]; the server shows that it knows the password too.
            assert answer.properties[Prop.AUTH_METHOD] == METHOD
            assert scram.is_answered(answer.properties[Prop.AUTH_DATA])  # type: ignore[arg-type]
            session = here.stream.broker.sessions["c"]
            assert (session.identity.account_id, session.identity.name) == (None, "dev")
            assert (session.client.username, session.client.is_superuser) == ("dev", True)

            # Again, while everything goes on; with its rank as it is by now.
            await here.house.broker_db.write(change_user, ScramUser, "dev", None, False)
            again = ScramClient("dev", "public", "sha256")
            await client.auth(Reason.REAUTHENTICATE, again.first())
            challenge = await client.challenge()
            await client.say(mqtt.Pingreq())
            assert await client.hear() == mqtt.Pingresp()
            await client.auth(Reason.CONTINUE_AUTHENTICATION, again.final(challenge))
            answer = await client.hear()
            assert isinstance(answer, mqtt.Auth) and answer.code == 0, answer
            assert again.is_answered(answer.properties[Prop.AUTH_DATA])  # type: ignore[arg-type]
            assert here.stream.broker.sessions["c"] is session and not session.client.is_superuser

            wrong = ScramClient("dev", "other", "sha256")
            await client.auth(Reason.REAUTHENTICATE, wrong.first())
            await client.auth(Reason.CONTINUE_AUTHENTICATION, wrong.final(await client.challenge()))
            # [MQTT-4.12.1-2]; DISCONNECT has no code for wrong passwords
            assert await client.hear() == mqtt.Disconnect(Reason.NOT_AUTHORIZED)
            assert await client.is_closed()
        metrics = (await here.ask("GET", f"{PATH}/status")).json()["metrics"]
        assert (metrics["total"], metrics["success"], metrics["failed"]) == (3, 2, 1)

    scenario(tmp_path, play)


def test_nobody_becomes_another(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, {**SCRAM, "iteration_count": 50})
        for name in ("dev", "other"):
            await add_user(here, name, "public", PATH, is_superuser=name == "other")
        async with peer(here) as client:
            assert refused(await client.enter(ScramClient("dev", "public", "sha256"))) == 0
            held = here.stream.broker.sessions["c"].client
            other = ScramClient("other", "public", "sha256")
            await client.auth(Reason.REAUTHENTICATE, other.first())
            answer = await client.hear()
            assert isinstance(answer, mqtt.Disconnect) and answer.code in (
                Reason.BAD_CREDENTIALS,
                Reason.NOT_AUTHORIZED,
            )
            assert not held.is_superuser and held.username == "dev"
        async with peer(here) as client:
            await client.connect(METHOD, ScramClient("dev", "public", "sha256").first(), "other")
            assert refused(await client.hear()) == Reason.BAD_CREDENTIALS

    scenario(tmp_path, play)


def test_refusals(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with peer(here) as client:
            await client.connect(METHOD, b"n,,n=dev,r=abc")
            assert refused(await client.hear()) == Reason.BAD_AUTHENTICATION_METHOD and await client.is_closed()
        await make(here, {**SCRAM, "algorithm": "sha512", "iteration_count": 50})
        await add_user(here, "dev", "public", PATH)
        for method in (METHOD, "GS2-KRB5", ""):
            async with peer(here) as client:
                await client.connect(method, b"n,,n=dev,r=abc")
                assert refused(await client.hear()) == Reason.BAD_AUTHENTICATION_METHOD
        other = "SCRAM-SHA-512"
        for name, password, found in (("dev", "public", 0), ("dev", "wrong", 0x86), ("nobody", "public", 0x86)):
            async with peer(here) as client:
                assert refused(await client.enter(ScramClient(name, password, "sha512"), other)) == found
        for data in (b"nonsense", b"n,,n=dev", b"p=x,,n=dev,r=a"):
            async with peer(here) as client:
                await client.connect(other, data)
                assert refused(await client.hear()) == Reason.BAD_CREDENTIALS
        async with peer(here) as client:
            # The first words may come later, but not never.
            await client.connect(other, None)
            assert await client.challenge(other) == b""
            scram = ScramClient("dev", "public", "sha512")
            await client.auth(Reason.CONTINUE_AUTHENTICATION, scram.first(), other)
            await client.auth(Reason.CONTINUE_AUTHENTICATION, scram.final(await client.challenge(other)), other)
            assert refused(await client.hear()) == 0
        async with peer(here) as client:
            await client.connect(other, None)
            await client.challenge(other)
            await client.auth(Reason.CONTINUE_AUTHENTICATION, b"", other)
            assert refused(await client.hear()) == Reason.BAD_CREDENTIALS
        # Without a method nobody of these comes in, nor does anybody unasked.
        assert (await code(here, "dev", "public"), await code(here, None)) == (0x87, 0x87)
        await here.ask("PUT", PATH, json={**SCRAM, "algorithm": "sha512", "enable": False})
        async with peer(here) as client:
            await client.connect(other, b"n,,n=dev,r=abc")
            assert refused(await client.hear()) == Reason.BAD_AUTHENTICATION_METHOD

    scenario(tmp_path, play)


def test_the_banned(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, {**SCRAM, "iteration_count": 50})
        await add_user(here, "dev", "public", PATH)
        now = utc_now()
        for kind, who in (("username", "dev"), ("clientid", "c")):
            ban = authorization.make_ban(kind, who, "test", "", now, None)
            here.management.permissions.bans.add(ban)
            async with peer(here) as client:
                scram = ScramClient("dev", "public", "sha256")
                answer = client.enter(scram) if kind == "username" else client.connect(METHOD, scram.first())
                found = await answer
                assert refused(found if found is not None else await client.hear()) == Reason.BANNED

    scenario(tmp_path, play)
