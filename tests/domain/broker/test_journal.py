"""The broker's memory in the broker_database, on both of them: what is kept, and the broker that goes on from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Changes, Limits, Message, Opening, Session, keep, list_retained
from folkmoot.store import Database, Transaction
from folkmoot.surfaces.mqtt.journal import StoredJournal
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Connack, Filter, Kind, Packet, Publish, Suback, Subscribe

from .ends import ALICE, End, Room

DAY = 86_400
WILL = mqtt.Will("will", b"gone", 1, True)


def save(broker_database: Database, broker: Broker) -> None:
    """Commits what the broker has noted, as the stream does."""
    ticket, changes = broker.ledger.take()
    broker_database.write_now(keep, changes)
    broker.ledger.committed(ticket)


def killed(broker_database: Database, room: Room, limits: Limits | None = None) -> Room:
    """Another life of the broker, from what was committed."""

    async def load() -> Broker:
        broker = Broker(limits=limits, durable=True)
        reopened = Database(broker_database.engine, logs_events=False)
        reopened.open()
        try:
            await StoredJournal(reopened, lambda: room.clock.now).load(broker)
        finally:
            reopened.close()
        return broker

    after = Room(asyncio.run(load()))
    after.clock.now = room.clock.now
    return after


def durable(limits: Limits | None = None) -> Room:
    return Room(Broker(limits=limits, durable=True))


def enter(room: Room, client_id: str, version: int = 5, **options: Any) -> End:
    """A client with a session that lasts a day."""
    properties: dict[str, Any] = {"session_expiry": DAY} if version == 5 else {}
    return room.enter(client_id, version, clean=False, **properties, **options)


def subscribed(
    room: Room, client_id: str, topic_filter: str, qos: int, broker_database: Database, version: int = 5
) -> End:
    end = enter(room, client_id, version)
    end.send(Subscribe(1, [Filter(topic_filter, qos)]))
    assert end.read() == [], "SUBACK waits for the commit"
    save(broker_database, room.broker)
    assert end.read() == [Suback(1, [qos])]
    return end


def picture(session: Session) -> dict[str, Any]:
    """All that must be the same after a kill."""

    def owed(delivery: Any) -> tuple[Any, ...]:
        message = delivery.message
        told = {name: getattr(message, name) for name in message.__struct_fields__ if name != "number"}
        return (told, delivery.qos, delivery.retain, delivery.identifiers, delivery.share, delivery.place)

    will = session.will and {n: getattr(session.will, n) for n in session.will.__struct_fields__ if n != "number"}
    return {
        "who": (session.client_id, session.number, session.identity, session.clean_start, session.created_at),
        "ends": (session.expiry_interval, session.disconnected_at, session.expires_at),
        "will": (will, session.will_delay, session.will_at),
        "filters": {
            name: [getattr(one, slot) for slot in one.__slots__ if slot != "session"]
            for name, one in session.subscriptions.items()
        },
        "inflight": {packet_id: owed(delivery) for packet_id, delivery in session.on_its_way().items()},
        "released": session.released,
        "queue": [owed(delivery) for delivery in session.queue if delivery.qos],
        "received": set(session.awaiting),
    }


def rows(broker_database: Database, table: str) -> int:
    return int(broker_database.read_now(lambda tx: tx.value(f"SELECT COUNT(*) FROM {table}")))


TABLES = (
    "sessions",
    "session_wills",
    "session_clients",
    "session_filters",
    "queued_messages",
    "deliveries",
    "received_ids",
)


def test_the_last_of_several_changes_to_a_topic_counts(broker_database: Database) -> None:
    first = Message("a/ü", b"\0\xff", 1, True, b"\x26\0\1k\0\1v", 1_800_000_100.5, 1_800_000_000.25, "c", "ada")
    other = Message("b", b"x", 0, True, published_at=1_800_000_000.0)
    older = Message("a/ü", b"older", retain=True)
    broker_database.write_now(keep, Changes({"a/ü": older}))
    broker_database.write_now(keep, Changes({"a/ü": first, "b": other}))
    for message, expected in zip(broker_database.read_now(list_retained), [first, other], strict=True):
        message.number = expected.number
        assert message == expected
    broker_database.write_now(keep, Changes({"b": None, "a/ü": older}))
    assert [message.payload for message in broker_database.read_now(list_retained)] == [b"older"]


def test_a_topic_may_be_as_long_as_mqtt_lets_it(broker_database: Database) -> None:
    topics = ["x" * 65_535, "x" * 65_534 + "y"]
    broker_database.write_now(keep, Changes({topic: Message(topic, b"1") for topic in topics}))
    assert [message.topic for message in broker_database.read_now(list_retained)] == topics


def test_a_new_broker_has_what_the_old_one_kept(broker_database: Database) -> None:
    room = durable()
    room.enter("source").send(Publish("a/b", b"1", 1, True, packet_id=1))
    save(broker_database, room.broker)
    assert list(killed(broker_database, room).broker.retained.messages) == ["a/b"]


def test_a_session_in_the_middle_of_everything_is_the_same_after_a_kill(broker_database: Database) -> None:
    room = durable(Limits(max_inflight=2))
    sink = enter(room, "sänk", will=WILL)
    options = Filter("a/+", 2, retain_as_published=True, retain_handling=1)
    sink.send(Subscribe(1, [options, Filter("$share/g/b", 1)], {mqtt.Prop.SUBSCRIPTION_ID: [7]}))
    sink.send(Publish("nobody", b"in", 2, packet_id=99), Publish("nobody", b"in", 2, packet_id=98))
    sink.send(Ack(Kind.PUBREL, 98))
    source = room.enter("source")
    for number in range(4):
        source.send(Publish("a/b", b"%d" % number, 2, packet_id=number + 1, properties={mqtt.Prop.MESSAGE_EXPIRY: 60}))
    source.send(Publish("b", b"shared", 1, packet_id=9))
    save(broker_database, room.broker)
    first = [packet for packet in sink.read() if isinstance(packet, Publish)]
    assert [packet.payload for packet in first] == [b"0", b"1"]
    sink.send(Ack(Kind.PUBREC, first[0].packet_id))
    sink.lose()
    save(broker_database, room.broker)
    before = room.broker.sessions["sänk"]
    after = killed(broker_database, room, Limits(max_inflight=2)).broker.sessions["sänk"]
    assert picture(after) == picture(before)
    assert (len(before.inflight), len(before.released), len(before.queue), len(before.awaiting)) == (2, 1, 3, 1)
    assert rows(broker_database, "queued_messages") == 5


@pytest.mark.parametrize("version", [3, 4, 5])
def test_an_offline_client_gets_what_came_and_the_rows_go(version: int, broker_database: Database) -> None:
    room = durable()
    for name in ("one", "two"):
        subscribed(room, name, "a/#", 1, broker_database, version).lose()
    source = room.enter("source")
    source.send(*[Publish("a/b", b"%d" % number, 1, packet_id=number + 1) for number in range(3)])
    assert source.read() == []
    save(broker_database, room.broker)
    assert source.read() == [Ack(Kind.PUBACK, number + 1) for number in range(3)]
    assert (rows(broker_database, "queued_messages"), rows(broker_database, "deliveries")) == (3, 6)
    room = killed(broker_database, room)
    for name in ("one", "two"):
        properties: dict[str, Any] = {"session_expiry": DAY} if version == 5 else {}
        end = room.knock(name, version, clean=False, **properties)
        end.link.accept(room.broker.sessions[name].identity, room.clock.now)
        connack, *found = end.read()
        assert isinstance(connack, Connack)
        assert connack.session_present is (version != 3)
        assert [packet.payload for packet in found if isinstance(packet, Publish)] == [b"0", b"1", b"2"]
        end.send(*[Ack(Kind.PUBACK, packet.packet_id) for packet in found if isinstance(packet, Publish)])
    save(broker_database, room.broker)
    assert (rows(broker_database, "queued_messages"), rows(broker_database, "deliveries")) == (0, 0)


def test_retained_messages_that_are_still_owed_are_handed_out_after_a_kill(broker_database: Database) -> None:
    room = durable(Limits(max_inflight=5))
    topics = {f"r/{number}" for number in range(20)}
    messages = [Publish(topic, b"x", 1, True, packet_id=at + 1) for at, topic in enumerate(topics)]
    room.enter("source").send(*messages)
    sink = enter(room, "sink")
    sink.send(Subscribe(1, [Filter("r/+", 1)]))
    save(broker_database, room.broker)
    assert len([packet for packet in sink.read() if isinstance(packet, Publish)]) == 5
    after = killed(broker_database, room, Limits(max_inflight=100))
    found = after.knock("sink", clean=False, session_expiry=DAY)
    found.link.accept(room.broker.sessions["sink"].identity, after.clock.now)
    came = [packet for packet in found.read() if isinstance(packet, Publish)]
    assert {packet.topic for packet in came} == topics
    assert all(packet.retain and packet.qos == 1 for packet in came)
    save(broker_database, after.broker)
    assert not rows(broker_database, "session_clients"), "nothing is owed any more"


def test_a_message_for_clean_sessions_never_waits(broker_database: Database) -> None:
    room = durable()
    subscribed(room, "kept", "other", 1, broker_database)
    sink, source = room.subscriber("sink", "a", 2), room.enter("source")
    for qos, kind in ((1, Kind.PUBACK), (2, Kind.PUBREC)):
        source.send(Publish("a", b"x", qos, packet_id=qos))
        assert source.read() == [Ack(kind, qos)]
        assert len(sink.read()) == 1
    assert not room.broker.ledger.unsaved


def test_what_came_and_went_between_two_commits_is_never_written(broker_database: Database) -> None:
    room = durable()
    sink, source = subscribed(room, "sink", "a", 1, broker_database), room.enter("source")
    source.send(Publish("a", b"x", 1, packet_id=1))
    (message,) = sink.read()
    assert isinstance(message, Publish)
    sink.send(Ack(Kind.PUBACK, message.packet_id))
    assert source.read() == []
    _, changes = room.broker.ledger.take()
    assert not changes.messages and not changes.deliveries


def test_no_half_of_exactly_once_runs_ahead_of_the_disk(broker_database: Database) -> None:
    room = durable()
    sink, source = subscribed(room, "sink", "a", 2, broker_database), enter(room, "source")
    save(broker_database, room.broker)

    def committed(end: End, room: Room = room) -> list[Packet]:
        assert end.read() == [], "it ran ahead"
        save(broker_database, room.broker)
        return end.read()

    source.send(Publish("a", b"x", 2, packet_id=1))
    assert source.read() == []
    (message,) = committed(sink)
    assert isinstance(message, Publish)
    assert source.read() == [Ack(Kind.PUBREC, 1)]
    # Killed here: the repetition of the sender is known as one.
    after = killed(broker_database, room)
    again = enter(after, "source")
    again.send(Publish("a", b"x", 2, dup=True, packet_id=1))
    assert committed(again, after) == [Ack(Kind.PUBREC, 1)]
    assert list(after.broker.sessions["sink"].inflight) == [message.packet_id]
    assert not after.broker.sessions["sink"].queue
    # Not killed: the rest of both handshakes.
    source.send(Ack(Kind.PUBREL, 1))
    sink.send(Ack(Kind.PUBREC, message.packet_id))
    assert source.read() == []
    assert committed(sink) == [Ack(Kind.PUBREL, message.packet_id)]
    assert source.read() == [Ack(Kind.PUBCOMP, 1)]
    assert killed(broker_database, room).broker.sessions["sink"].released == {message.packet_id}
    sink.send(Ack(Kind.PUBCOMP, message.packet_id))
    save(broker_database, room.broker)
    assert (
        rows(broker_database, "queued_messages")
        == rows(broker_database, "deliveries")
        == rows(broker_database, "received_ids")
        == 0
    )


def test_the_will_of_a_session_that_is_not_kept_survives_the_kill(broker_database: Database) -> None:
    room = durable()
    for name in ("lost", "polite", "back"):
        room.enter(name, will=mqtt.Will("will", name.encode(), 1))
    room.enter("changed", clean=False, session_expiry=DAY, will=mqtt.Will("will", b"kept"))
    room.enter("changed", clean=False, will=mqtt.Will("will", b"changed"))
    without = room.enter("without")
    without.send(Subscribe(1, [Filter("#", 1)]))
    assert without.read() == [Suback(1, [1])], "nothing of it is kept, so nothing waits"
    save(broker_database, room.broker)
    assert rows(broker_database, "sessions") == rows(broker_database, "session_wills") == 4
    room.broker.sessions["polite"].link.feed(mqtt.encode(mqtt.Disconnect(), 5), room.clock.now)  # type: ignore[union-attr]
    save(broker_database, room.broker)
    after = killed(broker_database, room)
    assert sorted(after.broker.sessions) == ["back", "changed", "lost"]
    watcher = after.subscriber("watcher", "will")
    after.enter("back")
    after.broker.tick(after.clock.now)
    assert sorted(p.payload for p in watcher.read() if isinstance(p, Publish)) == [b"back", b"changed", b"lost"]
    assert sorted(after.broker.sessions) == ["back", "watcher"]
    save(broker_database, after.broker)
    assert (
        rows(broker_database, "sessions")
        == rows(broker_database, "session_wills")
        == rows(broker_database, "session_clients")
        == 0
    )


def test_a_will_is_judged_and_published_as_its_clients(broker_database: Database) -> None:
    room = durable()
    for name, rules in (("me", None), ("ruled", ["of its credential"])):
        end = room.knock(name, will=mqtt.Will("will", b"gone"), session_expiry=DAY)
        client = end.link.client
        client.mountpoint, client.username, client.address, client.rules = "site/", "ann", "10.0.0.1", rules
        client.attrs["kind"], client.is_superuser = "pump", True
        end.link.accept(end.link.identity, room.clock.now)
    save(broker_database, room.broker)
    after = killed(broker_database, room)
    kept = after.broker.sessions["me"].client
    assert (kept.username, kept.address, kept.attrs, kept.is_superuser) == ("ann", "10.0.0.1", {"kind": "pump"}, True)
    watcher = after.subscriber("watcher", "#")
    after.broker.tick(after.clock.now)
    # Nobody knows any more what the other one's credential allowed.
    assert [packet.topic for packet in watcher.read() if isinstance(packet, Publish)] == ["site/will"]


@pytest.mark.parametrize("was_connected", [True, False])
def test_a_will_is_published_after_the_kill(was_connected: bool, broker_database: Database) -> None:
    room = durable()
    will = mqtt.Will("will", b"gone", 1, False, {mqtt.Prop.WILL_DELAY: 50, mqtt.Prop.MESSAGE_EXPIRY: 9})
    end = enter(room, "me", will=will)
    if not was_connected:
        end.lose()
    save(broker_database, room.broker)
    after = killed(broker_database, room)
    after.clock.now = (after.broker.sessions["me"].disconnected_at or 0) + 1
    watcher = after.subscriber("watcher", "will")
    after.wait(48)
    assert watcher.read() == []
    after.wait(2)
    assert [packet.payload for packet in watcher.read() if isinstance(packet, Publish)] == [b"gone"]
    save(broker_database, after.broker)
    assert rows(broker_database, "session_wills") == 0


def _expire(room: Room) -> None:
    room.broker.sessions["sink"].link.end(None, room.clock.now)  # type: ignore[union-attr]
    room.wait(DAY + 1)


def _start_clean(room: Room) -> None:
    link = room.knock("sink").link
    link.accept(ALICE, room.clock.now)
    assert isinstance(link.waiting, Opening), "CONNACK waits for the commit"


def _resume_for_the_connection_only(room: Room) -> None:
    room.enter("sink", clean=False)


def _kick(room: Room) -> None:
    room.broker.kick("sink", room.clock.now)


@pytest.mark.parametrize("end_it", [_expire, _start_clean, _resume_for_the_connection_only, _kick])
@pytest.mark.parametrize("committed", [True, False])
def test_of_a_session_that_is_over_nothing_is_left(
    end_it: Callable[[Room], Any], committed: bool, broker_database: Database
) -> None:
    room = durable()
    sink = enter(room, "sink", will=WILL)
    sink.send(Subscribe(1, [Filter("a", 2)]), Publish("x", b"1", 2, packet_id=1))
    room.enter("source").send(*[Publish("a", b"x", 1, packet_id=number) for number in range(1, 50)])
    if committed:
        save(broker_database, room.broker)
        assert all(rows(broker_database, table) for table in TABLES)
    end_it(room)
    save(broker_database, room.broker)
    left = {table: rows(broker_database, table) for table in TABLES}
    assert not any(left.values()), left


def test_a_session_becomes_durable_with_what_it_owes(broker_database: Database) -> None:
    room = durable()
    sink = room.subscriber("sink", "a", 1)
    room.enter("source").send(*[Publish("a", b"%d" % number, 1, packet_id=number + 1) for number in range(40)])
    sink.send(Publish("x", b"1", 2, packet_id=5))
    enter(room, "sink")
    save(broker_database, room.broker)
    before, after = room.broker.sessions["sink"], killed(broker_database, room).broker.sessions["sink"]
    assert (len(after.inflight), len(after.queue), list(after.awaiting)) == (32, 8, [5])
    assert picture(after)["queue"] == picture(before)["queue"]


def test_expired_and_overflowing_messages_leave_the_database(broker_database: Database) -> None:
    room = durable(Limits(max_mqueue_len=10))
    subscribed(room, "sink", "a", 1, broker_database).lose()
    source = room.enter("source")
    source.send(*[Publish("a", b"%d" % number, 1, packet_id=number + 1) for number in range(15)])
    short: mqtt.Properties = {mqtt.Prop.MESSAGE_EXPIRY: 5}
    source.send(*[Publish("a", b"s", 1, packet_id=50 + number, properties=short) for number in range(4)])
    save(broker_database, room.broker)
    assert rows(broker_database, "queued_messages") == 10
    room.wait(100)
    save(broker_database, room.broker)
    assert rows(broker_database, "queued_messages") == rows(broker_database, "deliveries") == 6


def test_a_failed_commit_is_tried_again_with_what_came_since(broker_database: Database) -> None:
    room = durable()
    subscribed(room, "sink", "a", 1, broker_database).lose()
    source = room.enter("source")
    source.send(Publish("a", b"1", 1, packet_id=1))
    ticket, changes = room.broker.ledger.take()
    source.send(Publish("a", b"2", 1, packet_id=2))
    room.broker.ledger.failed(ticket, changes, room.clock.now)
    assert source.link.ended
    save(broker_database, room.broker)
    session = killed(broker_database, room).broker.sessions["sink"]
    assert [delivery.message.payload for delivery in session.queue] == [b"1", b"2"]


_DAMAGE = [
    "UPDATE sessions SET expiry_interval = -1 WHERE client_id = 'bad'",
    "UPDATE sessions SET client_id = 'good' WHERE client_id = 'bad'",
    "UPDATE session_filters SET topic_filter = 'a/#/b' WHERE topic_filter = 'bad'",
    "UPDATE session_filters SET qos = 7 WHERE topic_filter = 'bad'",
    "UPDATE queued_messages SET topic = 'a/+' WHERE topic = 'bad'",
    "UPDATE deliveries SET packet_id = 70000 WHERE message_id IN (SELECT id FROM queued_messages WHERE topic = 'bad')",
    "UPDATE deliveries SET identifiers = 'x' WHERE message_id IN (SELECT id FROM queued_messages WHERE topic = 'bad')",
    "DELETE FROM queued_messages WHERE topic = 'bad'",
    "UPDATE session_wills SET qos = 9",
    "UPDATE session_clients SET document = '{'",
    "UPDATE session_clients SET document = '{\"username\": 5}'",
    "UPDATE received_ids SET packet_id = 0",
    "UPDATE retained SET payload = :nothing WHERE topic = 'bad'",
]
_DAMAGE_SQLITE = [
    "UPDATE sessions SET created_at = 'yesterday' WHERE client_id = 'bad'",
    "UPDATE queued_messages SET topic = CAST(x'80ff' AS TEXT) WHERE topic = 'bad'",
    "UPDATE queued_messages SET payload = 17 WHERE topic = 'bad'",
]


@pytest.mark.parametrize("damage", _DAMAGE + _DAMAGE_SQLITE)
def test_a_damaged_row_is_set_aside_and_the_rest_goes_on(
    damage: str, broker_database: Database, data_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    if data_url and damage in _DAMAGE_SQLITE:
        return  # PostgreSQL refuses it.
    room = durable()
    for name in ("good", "bad"):
        end = enter(room, name, will=WILL if name == "bad" else None)
        end.send(Subscribe(1, [Filter(name, 1)]))
        if name == "bad":
            end.send(Publish("x", b"1", 2, packet_id=1))
        if name == "good":
            end.lose()
    source = room.enter("source")
    source.send(*[Publish(name, b"x", 1, True, packet_id=1) for name in ("good", "bad")])
    save(broker_database, room.broker)

    def harm(tx: Transaction) -> None:
        tx.run(damage, **({"nothing": b""} if ":nothing" in damage else {}))

    broker_database.write_now(harm)
    after = killed(broker_database, room)
    session = after.broker.sessions["good"]
    assert [delivery.message.payload for delivery in session.queue] == [b"x"]
    assert "good" in session.subscriptions
    assert rows(broker_database, "damaged_rows") >= 1
    assert "damaged row" in caplog.text
    save(broker_database, after.broker)
    caplog.clear()
    killed(broker_database, room)
    assert "damaged row" not in caplog.text
