"""What crosses between spaces and topics, and who gets to see it, with real clients."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion

from folkmoot.domain import accounts, authorization, broker, conversations, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces import Rights
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


# --- who sees what --------------------------------------------------------------------------------------------------


async def make_list(here: Running, name: str, visibility: str = "PUBLIC", owner: str = "admin") -> int:
    """A mailing list of somebody; its space's id."""

    def make(tx: Transaction) -> int:
        now = here.house.now()
        actor = actor_named(tx, here, owner)
        space = spaces.create_space(tx, actor, name, name, None, now)
        spaces.add_list_face(tx, space.id, space.owner_id, name, visibility)
        return space.id

    return await here.house.db.write(make)


def actor_named(tx: Transaction, here: Running, name: str) -> Actor:
    return accounts.actor_of_account(tx, accounts.get_account_named(tx, name).id, here.house.now())


async def say(here: Running, space_id: int, title: str, author: str = "admin") -> conversations.Message:
    """A post in a space."""

    def post(tx: Transaction) -> conversations.Message:
        actor, now = actor_named(tx, here, author), here.house.now()
        return conversations.post(tx, actor, space_id, title, "", now, origin="forum", mail_domain="localhost")

    return await here.house.db.write(post)


async def heard(client: aiomqtt.Client) -> dict[str, Any]:
    """The next live message that reaches a client."""
    async with asyncio.timeout(5):
        async for message in client.messages:
            found: dict[str, Any] = json.loads(message.payload)
            assert message.topic.value == f"spaces/{found['space']}/messages"
            return found
    raise AssertionError("it ended")


FILTERS = (
    "#",
    "spaces/#",
    "spaces/+/messages",
    "+/secret/+",
    "spaces/secret/messages",
    "$share/g/spaces/secret/messages",
)


@pytest.mark.parametrize("topic_filter", FILTERS)
def test_a_private_list_is_heard_by_those_who_may_read_it_alone(tmp_path: Path, topic_filter: str) -> None:
    async def play(here: Running) -> None:
        secret, square = await make_list(here, "secret", "PRIVATE"), await make_list(here, "square")
        async with (
            here.client() as ann,
            aiomqtt.Client("127.0.0.1", here.port) as nobody,
            here.client("admin", "public") as owner,
        ):
            for client in (ann, nobody, owner):
                await client.subscribe([(topic_filter, 1), ("spaces/square/messages", 1)])
            await say(here, secret, "hidden")
            await say(here, square, "open")
            assert (await heard(owner))["title"] == "hidden"
            # What is said later arrives later, so this is the first they hear.
            assert (await heard(ann))["title"] == (await heard(nobody))["title"] == "open"

    scenario(tmp_path, play)


def test_rights_that_change_while_connected(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        square, other = await make_list(here, "square"), await make_list(here, "other")
        async with here.client() as ann, aiomqtt.Client("127.0.0.1", here.port) as nobody:
            await ann.subscribe("spaces/#", qos=1)
            await nobody.subscribe("#", qos=1)
            await say(here, square, "one")
            assert (await heard(ann))["title"] == (await heard(nobody))["title"] == "one"
            # Closed to strangers, then to all; in one go with what is said next.
            await allow(here, square, Rights.NONE, Rights.NORMAL)
            await say(here, square, "two")
            await say(here, other, "three")
            assert [(await heard(ann))["title"] for _ in range(2)] == ["two", "three"]
            assert (await heard(nobody))["title"] == "three"
            await allow(here, square, Rights.NONE, Rights.NONE)
            await say(here, square, "four")
            await say(here, other, "five")
            assert (await heard(ann))["title"] == (await heard(nobody))["title"] == "five"
            await allow(here, square, Rights.BROWSE, Rights.BROWSE)
            await say(here, square, "six")
            assert (await heard(ann))["title"] == (await heard(nobody))["title"] == "six"

    scenario(tmp_path, play)


async def allow(here: Running, space_id: int, strangers: Rights, members: Rights) -> None:
    """What a list grants those without an account, and those with one."""

    def change(tx: Transaction) -> None:
        owner = actor_named(tx, here, "admin")
        spaces.edit_list_audiences(tx, owner, space_id, strangers, members, members, here.house.now())

    await here.house.db.write(change)


def test_rights_that_change_while_somebody_comes_in(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        square = await make_list(here, "square")
        house, ann = here.house, await here.house.db.read(accounts.get_account_named, "ann")
        read = house.db.read

        async def slow_read(function: Any, *arguments: Any) -> Any:
            found = await read(function, *arguments)
            if function is authorization.readable_spaces and not closed.done():
                closed.set_result(None)
                await allow(here, square, Rights.NONE, Rights.NONE)
                await here.management.push.learn()
            return found

        closed = asyncio.get_running_loop().create_future()
        house.db.read = slow_read  # type: ignore[method-assign,assignment]
        await here.management.push.admit(broker.Identity(ann.id, "ann"))
        assert not here.management.push.gate.may_receive(broker.Identity(ann.id, "ann"), "spaces/square/messages")

    scenario(tmp_path, play)


# --- what is announced ----------------------------------------------------------------------------------------------


def test_what_was_removed_is_not_repeated(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        square = await make_list(here, "square")
        async with here.client() as ann:
            await ann.subscribe("spaces/#", qos=1)
            said = await say(here, square, "rude", author="ann")
            assert (await heard(ann))["event"] == "message.posted"

            def remove(tx: Transaction) -> None:
                now = here.house.now()
                conversations.set_removed(tx, actor_named(tx, here, "admin"), said.id, True, now)
                # Its author may still change it; nobody is told what it says now.
                conversations.edit(tx, actor_named(tx, here, "ann"), said.id, now, title="ruder", body="still")

            await here.house.db.write(remove)
            removed = await heard(ann)
            assert (removed["event"], removed["title"], removed["body"]) == ("message.removed", "", "")
            await say(here, square, "polite")
            assert (await heard(ann))["title"] == "polite"

            def restore(tx: Transaction) -> None:
                conversations.set_removed(tx, actor_named(tx, here, "admin"), said.id, False, here.house.now())

            await here.house.db.write(restore)
            back = await heard(ann)
            assert (back["event"], back["title"], back["body"]) == ("message.posted", "ruder", "still")

    scenario(tmp_path, play)


def test_a_post_that_is_sent_again_after_a_kill_is_posted_once(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        square = await make_list(here, "square")
        ann = await here.house.db.read(accounts.get_account_named, "ann")
        push, identity = here.management.push, broker.Identity(ann.id, "ann")
        for receipt in (
            broker.Receipt("c", 1, False),
            broker.Receipt("c", 1, True),
            broker.Receipt("c", 2, False),
            None,
        ):
            assert await push.take(identity, "spaces/square/post", b"Hello", {}, receipt) == 0
        posts = "SELECT COUNT(*) FROM messages WHERE space_id = :space"
        assert await here.house.db.read(lambda tx: tx.value(posts, space=square)) == 3

    scenario(tmp_path, play)


def test_the_fields_of_a_live_message(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        square = await make_list(here, "square")
        async with here.client() as ann:
            await ann.subscribe("spaces/square/messages", qos=1)
            await ann.publish("spaces/square/post", json.dumps({"title": "Bells", "body": "They ring."}), qos=1)
            post = await heard(ann)
            assert list(post) == FIELDS
            assert (post["event"], post["space"], post["author"], post["origin"]) == (
                "message.posted",
                "square",
                "ann",
                "mqtt",
            )
            assert (post["title"], post["body"], post["parent_id"], post["thread_id"]) == (
                "Bells",
                "They ring.",
                None,
                post["id"],
            )
            assert post["message_id"].startswith("<") and post["message_id"].endswith("@localhost>")
            assert post["created_at"].endswith("Z") and datetime.fromisoformat(post["created_at"]).tzinfo
            answer = {"body": "Loudly.", "in_reply_to": post["message_id"]}
            await ann.publish("spaces/square/post", json.dumps(answer), qos=2)
            reply = await heard(ann)
            assert (reply["parent_id"], reply["thread_id"], reply["body"]) == (post["id"], post["id"], "Loudly.")
            await ann.publish("spaces/square/post", json.dumps({"title": "By number", "in_reply_to": reply["id"]}))
            assert (await heard(ann))["parent_id"] == reply["id"]
            await ann.publish("spaces/square/post", "Plain\r\n\r\nwords\nhere\n", qos=1)
            plain = await heard(ann)
            assert (plain["title"], plain["body"].split()) == ("Plain", ["words", "here"])
            assert (await here.house.db.read(spaces.get_space, square)).name == plain["space"]

    scenario(tmp_path, play)


FIELDS = [
    *("event", "id", "thread_id", "parent_id", "space", "author", "title", "body", "message_id", "url", "created_at"),
    "origin",
]


# --- what is refused ------------------------------------------------------------------------------------------------

INVALID, DENIED, UNKNOWN = 0x99, 0x87, 0x90
REFUSED = [
    (b"", INVALID),
    (b"\xff", INVALID),
    (b"a\0b", INVALID),
    (b'{"title": "a\\u0000b"}', INVALID),
    (b'{"title": "a", "body": "b\\u0000"}', INVALID),
    (b'{"title": "\\ud800"}', INVALID),
    (b'{"title": 5}', INVALID),
    (b'{"title": "x", "in_reply_to": true}', INVALID),
    (b'{"title": "x"', INVALID),
    (b"{}", INVALID),
    (b'{"x":' * 5000, INVALID),
    (b'{"title": "x", "in_reply_to": 999}', UNKNOWN),
    (b'{"title": "x", "in_reply_to": -1}', UNKNOWN),
    (b'{"title": "x", "in_reply_to": 99999999999999999999999}', UNKNOWN),
    (b'{"title": "x", "in_reply_to": "<nobody@localhost>"}', UNKNOWN),
    (b'{"title": "x", "in_reply_to": ""}', UNKNOWN),
]


@pytest.mark.parametrize(("payload", "reason"), REFUSED, ids=[repr(payload[:50]) for payload, _ in REFUSED])
def test_posts_that_are_refused(tmp_path: Path, payload: bytes, reason: int) -> None:
    async def play(here: Running) -> None:
        await make_list(here, "square")
        assert await answers(here, "ann", "spaces/square/post", payload) == reason

    scenario(tmp_path, play)


def test_who_may_not_post(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        secret, square = await make_list(here, "secret", "PRIVATE"), await make_list(here, "square")
        hidden = await say(here, secret, "hidden")
        locked = await say(here, square, "locked")
        answer = json.dumps({"body": "x", "in_reply_to": hidden.id}).encode()
        for topic in ("spaces/secret/post", "spaces/nowhere/post", "spaces/square\u00e9/post"):
            assert await answers(here, "ann", topic, b"hello") == UNKNOWN
            assert await answers(here, "ann", topic, answer) == UNKNOWN
        assert await answers(here, "ann", "spaces/square/post", answer) == UNKNOWN, "of another space"
        assert await answers(here, None, "spaces/square/post", b"hello") == DENIED
        for topic in ("spaces/square/messages", "spaces/square", "spaces/square/post/", "spaces//post"):
            assert await answers(here, "admin", topic, b"hello") == DENIED

        def close(tx: Transaction) -> None:
            now, admin = here.house.now(), actor_named(tx, here, "admin")
            conversations.set_locked(tx, admin, locked.id, True, now)
            accounts.ban(tx, admin, accounts.get_account_named(tx, "ann").id, True, now)

        answer = json.dumps({"body": "x", "in_reply_to": locked.id}).encode()
        await here.house.db.write(close)
        assert await answers(here, "admin", "spaces/square/post", answer) == DENIED
        assert await answers(here, "ann", "spaces/square/post", b"hello") == DENIED

    scenario(tmp_path, play)


async def answers(here: Running, name: str | None, topic: str, payload: bytes) -> int:
    """The reason code of an MQTT 5 publish at QoS 1, refused at QoS 2 too; MQTT 3 has none and must live through it."""
    codes: list[int] = []
    password = {"admin": "public", "ann": "secret"}.get(name or "")
    for qos in (1, 2):
        async with aiomqtt.Client(
            "127.0.0.1", here.port, username=name, password=password, protocol=ProtocolVersion.V5
        ) as client:
            done = asyncio.get_running_loop().create_future()
            usual, client._client.on_publish = (
                client._client.on_publish,
                lambda a, b, c, reason, e, done=done: done.set_result(reason.value),
            )
            client._client.publish(topic, payload, qos)
            async with asyncio.timeout(5):
                codes.append(await done)
            client._client.on_publish = usual
            await lives(client)
    async with aiomqtt.Client("127.0.0.1", here.port, username=name, password=password) as client:
        await client.publish(topic, payload, qos=1)
        await client.publish(topic, payload, qos=2)
        await lives(client)
    # paho goes on after a PUBREC that says no, and tells the answer to that: the identifier is not in use.
    assert codes[1] == 0x92
    return codes[0]
