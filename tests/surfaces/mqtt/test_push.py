"""What crosses between spaces and topics, and who gets to see it, with real clients."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from folkmoot.domain import accounts
from folkmoot.store import Transaction
from tests.surfaces.mqtt.management import Running, scenario


async def make_token(here: Running, name: str, account: str = "ann") -> int:
    """A token for MQTT, its secret being `NAME-secret`; its id."""

    def make(tx: Transaction) -> int:
        owner = accounts.get_account_named(tx, account)
        return accounts.create_token(tx, owner.id, "mqtt", f"{name}-secret", here.house.now(), name=name, key=name)

    return await here.house.db.write(make)


async def ends(client: aiomqtt.Client) -> None:
    """Returns when the connection is cut off; fails when it is not within a second."""
    async with asyncio.timeout(1):
        with pytest.raises(aiomqtt.MqttError):
            async for _ in client.messages:
                pass


async def lives(client: aiomqtt.Client) -> None:
    """The connection still gets what it publishes itself."""
    await client.subscribe("echo")
    await client.publish("echo", b"here")
    async with asyncio.timeout(5):
        async for message in client.messages:
            assert message.payload == b"here"
            return


@pytest.mark.parametrize("how", ["revoked", "disabled"])
def test_a_token_that_ends_takes_its_own_connections_along(tmp_path: Path, how: str) -> None:
    async def play(here: Running) -> None:
        first, _ = await make_token(here, "first"), await make_token(here, "second")
        async with here.client("second", "second-secret") as other, here.client() as owner:
            client = here.client("first", "first-secret")
            with pytest.raises(aiomqtt.MqttError):
                async with client:
                    if how == "revoked":
                        await here.house.db.write(accounts.revoke_token, first)
                    else:
                        await here.house.db.write(disable, first)
                    await ends(client)
                    await client.publish("t", b"", timeout=1)
            await lives(other)
            await lives(owner)
            with pytest.raises(aiomqtt.MqttError):
                async with here.client("first", "first-secret"):
                    pass

    scenario(tmp_path, play)


def disable(tx: Transaction, token_id: int) -> None:
    accounts.edit_token(tx, token_id, description="", is_enabled=False, scopes="", expires_at=None)


@pytest.mark.parametrize("how", ["suspended", "password"])
def test_an_account_that_is_shut_out_is_gone_within_a_second(tmp_path: Path, how: str) -> None:
    async def play(here: Running) -> None:
        await make_token(here, "first")
        async with here.client("admin", "public") as other:
            for name, password in (("ann", "secret"), ("first", "first-secret")):
                client = here.client(name, password)
                with pytest.raises(aiomqtt.MqttError):
                    async with client:
                        await shut_out(here, how)
                        await ends(client)
                        await client.publish("t", b"", timeout=1)
                await let_in(here)
            await lives(other)

    scenario(tmp_path, play)


async def shut_out(here: Running, how: str) -> None:
    if how == "suspended":
        await here.house.db.write(accounts.suspend, "ann", here.house.now())
        return
    ann = await here.house.db.read(accounts.get_account_named, "ann")
    stored = here.house.passwords.hash("secret")
    await here.house.db.write(accounts.change_password, ann.id, stored, here.house.now())


async def let_in(here: Running) -> None:
    await here.house.db.write(lambda tx: tx.run("UPDATE accounts SET suspended_at = NULL"))
