"""What ends connections, and whose sessions are whose: a client identifier is no key to what another one has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
from aiomqtt import ProtocolVersion
from msgspec.structs import replace
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from folkmoot.config import Data, Mqtt
from folkmoot.domain import accounts, spaces
from folkmoot.house import open_databases
from folkmoot.store import Transaction
from folkmoot.wire import mqtt
from tests.surfaces.mqtt.management import CALM, Running, running, scenario
from tests.surfaces.mqtt.test_authentication import code
from tests.surfaces.mqtt.test_push import lives
from tests.surfaces.mqtt.test_tokens import HMAC, sign

BUILT_IN = {"mechanism": "password_based", "backend": "built_in_database"}
PATH = "/authentication/password_based%3Abuilt_in_database"


async def add_user(here: Running, user_id: str) -> None:
    answer = await here.ask("POST", f"{PATH}/users", json={"user_id": user_id, "password": "pw"})
    assert answer.status_code == 201, answer.text


@asynccontextmanager
async def connected(
    here: Running, name: str | None, client_id: str, **options: Any
) -> AsyncIterator[asyncio.Task[Any]]:
    """A client that is inside; the task ends when its connection does."""
    kept = Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = 3600
    client = aiomqtt.Client(
        "127.0.0.1",
        here.port,
        username=name,
        password="pw" if name else None,
        identifier=client_id,
        protocol=ProtocolVersion.V5,
        clean_start=False,
        properties=kept,
        **options,
    )
    try:
        async with client:
            yield asyncio.create_task(_listen(client))
    except aiomqtt.MqttError:
        pass


async def _listen(client: aiomqtt.Client) -> None:
    try:
        async for _ in client.messages:
            pass
    except aiomqtt.MqttError:
        return


async def ends(task: asyncio.Task[Any]) -> None:
    await asyncio.wait_for(task, 1)


def test_a_user_who_changes_or_goes_has_no_connections_and_others_keep_theirs(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await here.ask("POST", "/authentication", json=BUILT_IN)
        for name in ("bob", "eve"):
            await add_user(here, name)
        async with connected(here, "eve", "e") as other:
            for method, tail, body in (
                ("PUT", "/users/bob", {"password": "pw"}),
                ("PUT", "/users/bob", {"is_superuser": True}),
                ("POST", "/import_users?type=plain", [{"user_id": "bob", "password": "pw"}]),
                ("DELETE", "/users/bob", None),
            ):
                async with connected(here, "bob", "b") as task:
                    answer = await here.ask(method, PATH + tail, json=body)
                    assert answer.status_code < 300, answer.text
                    await ends(task)
                    assert "b" not in here.stream.broker.sessions
            assert not other.done()
            await here.ask("PUT", PATH, json={**BUILT_IN, "user_id_type": "clientid"})
            await add_user(here, "by its identifier")
            async with connected(here, "whoever", "by its identifier") as task:
                await here.ask("DELETE", f"{PATH}/users/by its identifier")
                await ends(task)
            assert not other.done()
            await here.ask("DELETE", PATH)
            await ends(other)

    scenario(tmp_path, play)


def test_an_authenticator_that_goes_takes_its_clients_along_and_one_that_is_off_does_not(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await here.ask("POST", "/authentication", json=BUILT_IN)
        await here.ask("POST", "/authentication", json=HMAC)
        await add_user(here, "eve")
        async with connected(here, "eve", "e") as other:
            ended = asyncio.Event()
            happenings = here.stream.broker.happenings
            happenings.disconnected.append(lambda session, *_: ended.set() if session.client_id == "d" else None)
            with suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(
                    "127.0.0.1", here.port, username="dev", password=sign(), identifier="d"
                ) as client:
                    # As with the reference: who is in stays until it comes again.
                    answer = await here.ask("PUT", "/authentication/jwt", json={**HMAC, "enable": False})
                    assert answer.status_code == 204
                    await lives(client)
                    assert await code(here, "dev", sign()) != 0
                    assert (await here.ask("DELETE", "/authentication/jwt")).status_code == 204
                    await asyncio.wait_for(ended.wait(), 1)
            assert not other.done() and "d" not in here.stream.broker.sessions

    scenario(tmp_path, play)


def test_nobody_resumes_the_session_of_another_user_not_even_after_a_restart(tmp_path: Path) -> None:
    async def leave(here: Running, name: str | None) -> None:
        async with connected(here, name, "c"):
            session = here.stream.broker.sessions["c"]
            answer = await here.ask("POST", "/clients/c/subscribe", json={"topic": "secret", "qos": 1})
            assert answer.status_code == 200 and session.subscriptions

    async def resumes(here: Running, name: str | None) -> bool:
        async with connected(here, name, "c"):
            return bool(here.stream.broker.sessions["c"].subscriptions)

    async def play() -> None:
        config = replace(CALM, mqtt=Mqtt(anonymous="everybody"))
        async with running(tmp_path, config) as here:
            await leave(here, None)
            await here.ask("POST", "/authentication", json=BUILT_IN)
            for name in ("bob", "eve", "ann"):
                await add_user(here, name)
            assert not await resumes(here, "bob")
            await leave(here, "bob")
            assert not await resumes(here, "eve")
            await leave(here, "bob")
            assert await resumes(here, "bob")
        async with running(tmp_path, config) as here:
            assert await resumes(here, "bob")
            await leave(here, "bob")
        async with running(tmp_path, config) as here:
            await here.ask("DELETE", f"{PATH}/users/bob")
            assert "c" not in here.stream.broker.sessions, "also of those who are away"
            await leave(here, "ann")
            await here.ask("DELETE", PATH)
            answer = await here.ask("POST", "/authentication", json=BUILT_IN)
            assert answer.status_code == 200
            assert "c" not in here.stream.broker.sessions
        async with running(tmp_path, config) as here:
            await add_user(here, "bob")
            await leave(here, "bob")
            answer = await here.ask("PUT", PATH, json={**BUILT_IN, "enable": False})
            assert answer.status_code == 204
            assert not await resumes(here, None)

    asyncio.run(play())


def test_who_was_shut_out_while_nothing_ran_has_no_sessions_any_more(tmp_path: Path) -> None:
    async def leave(here: Running, name: str) -> None:
        connect = mqtt.Connect(4, name, False, username=name, password=b"secret" if name == "ann" else name.encode())
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(mqtt.encode(connect, 4))
        assert await reader.readexactly(4) == b"\x20\2\0\0"
        writer.close()

    async def meanwhile(action: Any, *arguments: Any) -> None:
        db, _ = open_databases(replace(CALM, data=Data(dir=str(tmp_path))))
        db.open()
        await db.write(action, *arguments)
        db.close()

    async def play() -> None:
        async with running(tmp_path) as here:
            now = here.house.now()
            ann = (await here.house.db.read(accounts.get_account_named, "ann")).id
            tokens = [
                await here.house.db.write(accounts.create_token, ann, "mqtt", name, now, name=name, key=name)
                for name in ("lamp", "door")
            ]
            for name in ("ann", "lamp", "door"):
                await leave(here, name)
        await meanwhile(accounts.revoke_token, tokens[0])
        async with running(tmp_path) as here:
            assert set(here.stream.broker.sessions) == {"ann", "door"}
        await meanwhile(accounts.suspend, "ann", now)
        async with running(tmp_path) as here:
            assert not here.stream.broker.sessions

    asyncio.run(play())


def test_who_is_no_administrator_any_more_hears_no_more_of_closed_spaces(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        house = here.house

        def prepare(tx: Transaction) -> None:
            accounts.register(tx, "second", house.passwords.hash("secret"), house.now(), is_admin=True)
            owner = accounts.actor_of_account(tx, accounts.list_admins(tx)[0].id, house.now())
            space = spaces.create_space(tx, owner, "closed", "Closed", None, house.now())
            spaces.add_list_face(tx, space.id, owner.account_id or 0, "closed", "PRIVATE")

        def end(tx: Transaction) -> None:
            owner = accounts.actor_of_account(tx, accounts.list_admins(tx)[0].id, house.now())
            second = next(each.id for each in accounts.list_admins(tx) if each.name == "second")
            accounts.set_admin(tx, owner, second, False)

        await house.db.write(prepare)
        async with here.client("second", "secret", identifier="s"):
            identity = here.stream.broker.sessions["s"].identity
            gate = here.stream.broker.gate
            assert gate.may_receive(identity, "spaces/closed/messages")
            await house.db.write(end)
            for _ in range(100):
                if gate.may_receive(identity, "spaces/closed/messages"):
                    await asyncio.sleep(0.02)
            assert not gate.may_receive(identity, "spaces/closed/messages")

    scenario(tmp_path, play)
