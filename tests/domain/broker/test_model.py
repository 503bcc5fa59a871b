"""A broker on a real database that is killed again and again, held against a simple model of what it must remember.

How many examples and steps: FOLKMOOT_TEST_EXAMPLES (15 on SQLite, a third on PostgreSQL) and FOLKMOOT_TEST_STEPS (50).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from folkmoot.domain.broker import Broker, Limits, Opening, keep
from folkmoot.store import Database, Engine, SqliteEngine, migrate
from folkmoot.store.postgresql import PostgresqlEngine
from folkmoot.surfaces.mqtt.journal import StoredJournal
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Connack, Filter, Kind, Packet, Prop, Publish

from .ends import End, Room
from .memory import Memory, Said, Will

EXAMPLES = int(os.environ.get("FOLKMOOT_TEST_EXAMPLES", "15"))
STEPS = int(os.environ.get("FOLKMOOT_TEST_STEPS", "50"))
NAMES = ("ann", "bob", "cas")
TOPICS = ("a", "a/b", "c")
FILTERS = ("a", "a/#", "+", "#")
WINDOW = 6
#: Making a failure smaller takes minutes.
PHASES = [Phase.generate, *([Phase.shrink] if "FOLKMOOT_TEST_SHRINK" in os.environ else [])]
DAY = 86_400
TABLES = (
    *("retained", "sessions", "session_wills", "session_clients", "session_filters"),
    *("queued_messages", "deliveries", "received_ids", "delayed_messages", "damaged_rows"),
)

names = st.sampled_from(NAMES)
qualities = st.integers(0, 2)


def limits() -> Limits:
    return Limits(max_inflight=WINDOW, await_rel_timeout=1e9, idle_timeout=1e9, session_expiry_interval=DAY)


class Person:
    """A client with a memory of its own, which no kill of the broker touches."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.end: End | None = None
        self.life = 0
        """Grows when it forgets what it knew of its session."""
        self.incoming: set[int] = set()
        self.outgoing: dict[int, tuple[Publish, Said, float | None]] = {}
        self.released: set[int] = set()
        self.replies: list[tuple[Ack, Publish | None]] = []
        self.heard: set[bytes] = set()
        self.heard_once: Counter[tuple[int, bytes]] = Counter()
        self.last_id = 0

    def next_id(self) -> int:
        while True:
            self.last_id = self.last_id % 20 + 1
            if self.last_id not in self.outgoing:
                return self.last_id

    def forget(self) -> None:
        self.life += 1
        self.incoming.clear()
        self.outgoing.clear()
        self.released.clear()


class Lives(RuleBasedStateMachine):
    """`engine` and `clear` are set by whoever runs it."""

    engine: Engine
    clear: Callable[[], None]

    @initialize()
    def begin(self) -> None:
        type(self).clear()
        self.database = Database(self.engine, logs_events=False)
        self.database.open()
        self.room = Room(Broker(limits=limits(), durable=True))
        self.people = {name: Person(name) for name in NAMES}
        self.memory, self.committed = Memory(), Memory()
        self.pending: tuple[int, Any, Memory] | None = None
        self.said = 0

    def teardown(self) -> None:
        if not hasattr(self, "database"):
            return
        try:
            self.drain()
        finally:
            self.database.close()

    @property
    def now(self) -> float:
        return self.room.clock.now

    def text(self) -> bytes:
        self.said += 1
        return b"%d" % self.said

    def here(self, name: str) -> End:
        """The client's connection; it comes back if it has none."""
        session = self.memory.sessions.get(name)
        if session is None or not session.connected:
            self.enter(name, 5, False, DAY, None)
        end = self.people[name].end
        assert end is not None
        return end

    # --- clients ------------------------------------------------------------------------------------------------------

    @rule(
        name=names,
        version=st.sampled_from((4, 5)),
        clean=st.booleans(),
        expiry=st.sampled_from((0, 100, DAY)),
        will=st.none() | st.tuples(st.sampled_from(TOPICS), qualities, st.booleans(), st.sampled_from((0, 50))),
    )
    def enter(self, name: str, version: int, clean: bool, expiry: int, will: tuple[str, int, bool, int] | None) -> None:
        person, properties, last_will, kept_will = self.people[name], {}, None, None
        if version == 5:
            properties = {"session_expiry": expiry}
        else:
            expiry = 0 if clean else DAY
        if will is not None:
            topic, qos, retain, delay = will
            delay = delay if version == 5 else 0
            kept_will = Will(Said(topic, self.text(), qos, retain), delay)
            fields: mqtt.Properties = {Prop.WILL_DELAY: delay} if delay else {}
            last_will = mqtt.Will(topic, kept_will.said.payload, qos, retain, fields)
        end = self.room.knock(name, version, clean, last_will, **properties)
        end.link.accept(end.link.identity, self.now)
        self.memory.make_way(name, clean, self.now)
        if isinstance(end.link.waiting, Opening):
            if self.pending is not None:
                self.commit()
            self.take_group()
            self.commit()
            end.link.opened(self.now)
        present = self.memory.connect(name, expiry, kept_will)
        person.end, person.replies = end, []
        connack, *others = end.read()
        assert connack == Connack(present, 0, connack.properties)  # type: ignore[union-attr]
        if not present:
            person.forget()
        self.take(person, others)
        for packet_id, (packet, said, due_at) in list(person.outgoing.items()):
            if packet_id in person.released:
                self.release(person, packet_id)
            else:
                packet.dup = True
                # MQTT 3 knows no expiry.
                packet.properties = packet.properties if version == 5 else {}
                self.publish_packet(person, packet, said, due_at)

    @rule(name=names, topic_filter=st.sampled_from(FILTERS), qos=qualities, handling=st.sampled_from((0, 2)))
    def subscribe(self, name: str, topic_filter: str, qos: int, handling: int) -> None:
        end, session = self.here(name), self.room.broker.sessions[name]
        if len(session.inflight) + len(TOPICS) >= WINDOW:
            # What of the retained messages does not go at once is not the model's.
            handling = 2
        if end.version == 4:
            if handling:
                return
            handling = 0
        end.send(mqtt.Subscribe(1, [Filter(topic_filter, qos, retain_handling=handling)]))
        self.memory.subscribe(name, topic_filter, qos, handling == 0, self.now)

    @rule(name=names, topic_filter=st.sampled_from(FILTERS))
    def unsubscribe(self, name: str, topic_filter: str) -> None:
        if name in self.memory.sessions:
            end = self.here(name)
            end.send(mqtt.Unsubscribe(1, [topic_filter]))
            self.memory.unsubscribe(name, topic_filter)

    @rule(
        name=names,
        topic=st.sampled_from(TOPICS),
        qos=st.sampled_from((0, 1, 1, 2, 2)),
        retain=st.booleans(),
        lasts=st.sampled_from((None, None, 30)),
        delay=st.sampled_from((None, None, 20)),
    )
    def publish(self, name: str, topic: str, qos: int, retain: bool, lasts: int | None, delay: int | None) -> None:
        end, person, properties = self.here(name), self.people[name], {}
        if lasts is not None and end.version == 5:
            properties = {Prop.MESSAGE_EXPIRY: lasts}
        said = Said(topic, self.text(), qos, retain, self.now + lasts if properties and lasts else 0.0)
        due_at, packet_id = None, person.next_id() if qos else 0
        if delay is not None:
            topic, due_at = f"$delayed/{delay}/{topic}", self.now + delay
        packet = Publish(topic, said.payload, qos, retain, packet_id=packet_id, properties=properties)  # type: ignore[arg-type]
        if qos:
            person.outgoing[packet_id] = packet, said, due_at
        self.publish_packet(person, packet, said, due_at)

    def publish_packet(self, person: Person, packet: Publish, said: Said, due_at: float | None) -> None:
        assert person.end is not None
        if packet.dup:
            # It comes now; what of it counts from its coming counts from now.
            lasts, delay = packet.properties.get(Prop.MESSAGE_EXPIRY), due_at and 20
            said = Said(said.topic, said.payload, said.qos, said.retain, self.now + lasts if lasts else 0.0)  # type: ignore[operator]
            due_at = self.now + delay if delay else None
        person.end.send(packet)
        self.memory.send(person.name, packet.packet_id, said, due_at, self.now)

    @rule(name=names, topic=st.sampled_from(TOPICS))
    def clear_retained(self, name: str, topic: str) -> None:
        if topic in self.memory.retained:
            self.here(name).send(Publish(topic, b"", 0, True))
            self.memory.publish(Said(topic, b"", 0, True), self.now)

    @rule(name=names)
    def listen(self, name: str) -> None:
        end = self.here(name)
        self.take(self.people[name], end.read())

    def take(self, person: Person, packets: list[Packet]) -> None:
        for packet in packets:
            if isinstance(packet, Publish):
                self.hear(person, packet)
            elif isinstance(packet, Ack) and packet.kind is Kind.PUBREL:
                person.incoming.discard(packet.packet_id)
                person.replies.append((Ack(Kind.PUBCOMP, packet.packet_id), None))
            elif isinstance(packet, Ack) and packet.packet_id in person.outgoing:
                payload = person.outgoing[packet.packet_id][1].payload
                assert payload in self.committed.kept or payload not in self.memory.kept, "acknowledged too early"
                if packet.kind is Kind.PUBREC:
                    person.released.add(packet.packet_id)
                    person.replies.append((Ack(Kind.PUBREL, packet.packet_id), None))
                else:
                    person.released.discard(packet.packet_id)
                    del person.outgoing[packet.packet_id]

    def hear(self, person: Person, packet: Publish) -> None:
        person.heard.add(packet.payload)
        if packet.qos == 2 and packet.packet_id not in person.incoming:
            person.incoming.add(packet.packet_id)
            key = person.name, packet.payload
            person.heard_once[person.life, packet.payload] += 1
            assert person.heard_once[person.life, packet.payload] <= self.memory.times[key], "twice"
        if packet.qos:
            kind = Kind.PUBACK if packet.qos == 1 else Kind.PUBREC
            person.replies.append((Ack(kind, packet.packet_id), packet))

    @rule(name=names, most=st.integers(1, 5))
    def reply(self, name: str, most: int) -> None:
        end, person = self.here(name), self.people[name]
        now, person.replies = person.replies[:most], person.replies[most:]
        for ack, packet in now:
            if ack.kind is Kind.PUBREL:
                self.release(person, ack.packet_id)
                continue
            end.send(ack)
            if packet is not None:
                self.memory.heard(name, packet.payload, packet.qos)

    def release(self, person: Person, packet_id: int) -> None:
        assert person.end is not None
        person.end.send(Ack(Kind.PUBREL, packet_id))
        self.memory.sessions[person.name].received.discard(packet_id)

    @rule(name=names, with_will=st.booleans(), expiry=st.sampled_from((None, 0, 100)))
    def leave(self, name: str, with_will: bool, expiry: int | None) -> None:
        end = self.here(name)
        if end.version == 4 or not self.memory.sessions[name].expiry:
            expiry = None
        with_will = with_will and end.version == 5
        properties: mqtt.Properties = {} if expiry is None else {Prop.SESSION_EXPIRY: expiry}
        end.send(mqtt.Disconnect(4 if with_will else 0, properties))
        self.memory.leave(name, self.now, expiry, with_will)

    @rule(name=names)
    def lose(self, name: str) -> None:
        self.here(name).lose()
        self.memory.lose(name, self.now)

    # --- the broker ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.pending is None)
    @rule()
    def take_group(self) -> None:
        """A commit begins."""
        self.pending = *self.room.broker.ledger.take(), self.memory.copy()

    @precondition(lambda self: self.pending is not None)
    @rule()
    def commit(self) -> None:
        ticket = self.write()
        self.room.broker.ledger.committed(ticket)
        self.check_rows()

    def write(self) -> int:
        assert self.pending is not None
        (ticket, changes, self.committed), self.pending = self.pending, None
        self.database.write_now(keep, changes)
        return ticket

    @precondition(lambda self: self.pending is not None)
    @rule()
    def fail(self) -> None:
        """Who waited for the commit is cut off."""
        assert self.pending is not None
        (ticket, changes, _), self.pending = self.pending, None
        happenings = self.room.broker.happenings
        happenings.disconnected.append(self.cut_off)
        try:
            self.room.broker.ledger.failed(ticket, changes, self.now)
        finally:
            happenings.disconnected.remove(self.cut_off)

    def cut_off(self, session: Any, *_: Any) -> None:
        # Whose connection ends is told before what follows from it.
        self.memory.lose(session.client_id, self.now)

    @rule(committed=st.booleans(), seconds=st.sampled_from((0, 0, 25, 200)))
    def kill(self, committed: bool, seconds: int) -> None:
        """Everything in memory is gone; what was being committed may be there or not."""
        if self.pending is not None and committed:
            self.write()
        self.pending = None
        self.room.clock.now += seconds
        self.database.close()
        self.database = Database(self.engine, logs_events=False)
        clock, broker = self.room.clock, asyncio.run(self.load())
        self.room = Room(broker)
        self.room.clock = clock
        self.memory = self.committed.after_kill(self.now)
        for person in self.people.values():
            person.end, person.replies = None, []

    async def load(self) -> Broker:
        self.database.open()
        broker = Broker(limits=limits(), durable=True)
        await StoredJournal(self.database, lambda: self.now).load(broker)
        # The doors used here are the blocking ones.
        self.database.close()
        self.database.open()
        return broker

    @rule(seconds=st.sampled_from((0, 10, 25, 70, 150)))
    def wait(self, seconds: int) -> None:
        offline = list(self.room.broker.offline)
        self.room.wait(seconds)
        self.memory.tick(self.now, offline)

    # --- what must be so ----------------------------------------------------------------------------------------------

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "room"):
            return
        broker, memory, now = self.room.broker, self.memory, self.now
        assert set(broker.sessions) == set(memory.sessions)
        for name, right in memory.sessions.items():
            session = broker.sessions[name]
            assert session.expiry_interval == right.expiry
            assert session.expires_at == pytest.approx(right.expires_at, abs=1e-3)
            assert (session.link is not None) is right.connected
            assert (session.will and session.will.payload) == (right.will and right.will.said.payload)
            assert {each.topic_filter: each.qos for each in session.subscriptions.values()} == right.filters
            assert set(session.awaiting) == right.received
            sent = [one for packet_id, one in session.on_its_way().items() if packet_id not in session.released]
            owed = [(one.message, one.qos) for one in (*sent, *session.queue) if one.qos]
            assert _by_topic(owed, now) == _by_topic(right.owed, now)
        retained = {topic: said.payload for topic, said in memory.retained.items() if said.lives(now)}
        assert {topic: one.payload for topic in TOPICS if (one := broker.retained.find(topic, now))} == retained
        assert sorted((round(one.due_at), one.message.payload) for one in broker.delayed.messages.values()) == sorted(
            (round(due_at), said.payload) for due_at, said in memory.delayed
        )

    def check_rows(self) -> None:
        """No row belongs to nothing, and there are no more than the sessions need."""
        counts = {table: self.count(f"SELECT COUNT(*) FROM {table}") for table in TABLES}
        kept = [each for each in self.committed.sessions.values() if each.expiry]
        wills = sum(each.will is not None for each in self.committed.sessions.values())
        assert counts["session_wills"] == counts["session_clients"] == wills
        assert counts["sessions"] == sum(bool(each.expiry or each.will) for each in self.committed.sessions.values())
        assert counts["session_filters"] == sum(len(each.filters) for each in kept)
        assert counts["received_ids"] == sum(len(each.received) for each in kept)
        assert counts["delayed_messages"] == len(self.committed.delayed)
        assert counts["damaged_rows"] == 0
        for table in ("session_filters", "deliveries", "received_ids", "session_wills"):
            lost = f"SELECT COUNT(*) FROM {table} WHERE session_id NOT IN (SELECT id FROM sessions)"
            assert self.count(lost) == 0, table
        messages = "SELECT message_id FROM deliveries"
        assert self.count(f"SELECT COUNT(*) FROM queued_messages WHERE id NOT IN ({messages})") == 0
        assert self.count("SELECT COUNT(DISTINCT message_id) FROM deliveries") == counts["queued_messages"]

    def count(self, sql: str) -> int:
        return int(self.database.read_now(lambda tx: tx.value(sql)))

    def drain(self) -> None:
        """In the end everybody comes back and gets all that is due."""
        self.wait(25)
        due = {name: {said.payload for said, _ in session.owed if said.lives(self.now)}
               for name, session in self.memory.sessions.items() if session.expiry}  # fmt: skip
        for name in due:
            self.enter(name, 5, False, DAY, None)
        for _ in range(200):
            if self.pending is None:
                self.take_group()
            self.commit()
            for name in due:
                self.listen(name)
                self.reply(name, 1000)
            self.agree()
            if not any(self.people[name].outgoing or self.memory.sessions[name].owed for name in due):
                break
        for name, payloads in due.items():
            assert not payloads - self.people[name].heard, "lost"
            assert not self.people[name].outgoing


def _by_topic(owed: list[Any], now: float) -> dict[str, list[tuple[bytes, int]]]:
    found: dict[str, list[tuple[bytes, int]]] = {}
    for message, qos in owed:
        if not 0 < message.expires_at <= now:
            found.setdefault(message.topic, []).append((message.payload, qos))
    return {topic: _steady(each) for topic, each in found.items()}


def _steady(owed: list[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """A message that comes by several subscriptions comes in no particular order of them."""
    found: list[tuple[bytes, int]] = []
    for payload, qos in owed:
        at = len(found)
        while at and found[at - 1][0] == payload and found[at - 1][1] > qos:
            at -= 1
        found.insert(at, (payload, qos))
    return found


def run(engine: Engine, clear: Callable[[], None], examples: int) -> None:
    kind = type("Lives", (Lives,), {"engine": engine, "clear": staticmethod(clear)})
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(kind, settings=chosen)


@pytest.mark.timeout(1800)
def test_what_was_committed_is_there_after_every_kill(tmp_path: Path) -> None:
    empty, path = tmp_path / "empty.db", tmp_path / "broker.db"
    migrate(SqliteEngine(empty), "broker")

    def clear() -> None:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(empty, path)

    run(SqliteEngine(path), clear, EXAMPLES)


@pytest.mark.timeout(1800)
def test_what_was_committed_is_there_after_every_kill_on_postgresql(postgresql_url: str) -> None:
    engine = PostgresqlEngine(postgresql_url, "broker")

    def clear() -> None:
        connection = engine.connect(read_only=False)
        connection.execute(f"TRUNCATE {', '.join(TABLES)}")
        connection.close()

    run(engine, clear, max(1, EXAMPLES // 3))
