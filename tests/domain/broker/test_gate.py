"""What the gate forbids, and what it takes for itself. No sockets; time moves by hand."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.broker import Broker, Client, Identity, OpenGate, Verdict, Wish
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Filter, Kind, Publish, Reason, Suback, Subscribe

from .ends import BOB, Room, payloads

V311, V5 = 4, 5


class Rules(OpenGate):
    """`secret/…` is for account 1 only; nobody publishes to `locked`; `box` is taken."""

    def __init__(self) -> None:
        self.readers = {1}

    def judge(self, client: Client, wish: Wish) -> Verdict:
        return Verdict.DENY if wish.topic == "locked" else Verdict.ALLOW

    def may_receive(self, identity: Identity, topic: str) -> bool:
        return not topic.startswith("secret/") or identity.account_id in self.readers

    def takes(self, topic: str) -> bool:
        return topic == "box"


def test_the_gate_is_asked_and_its_changes_take_effect() -> None:
    rules = Rules()
    room = Room(Broker(rules))
    alice, bob = room.enter("alice"), room.enter("bob", identity=BOB)
    for end in (alice, bob):
        end.send(Subscribe(1, [Filter("#", 1), Filter("locked", 0), Filter("$share/g/locked", 0)]))
        assert end.read_one() == Suback(1, [1, Reason.NOT_AUTHORIZED, Reason.NOT_AUTHORIZED])
    source = room.enter("source")
    source.send(Publish("secret/x", b"1"), Publish("secret/x", b"2", 1, True, packet_id=1))
    assert (payloads(alice), payloads(bob)) == ([b"1", b"2"], [])
    bob.send(Subscribe(2, [Filter("secret/+", 1)]))
    assert bob.read_one() == Suback(2, [1])
    rules.readers.add(2)
    room.broker.forget_routes()
    source.send(Publish("secret/x", b"3"))
    assert (payloads(alice), payloads(bob)) == ([b"3"], [b"3", b"3"])
    source.read()
    source.send(
        Publish("locked", b"", 0), Publish("locked", b"", 1, packet_id=2), Publish("locked", b"", 2, packet_id=3)
    )
    assert source.read() == [
        Ack(Kind.PUBACK, 2, Reason.NOT_AUTHORIZED),
        Ack(Kind.PUBREC, 3, Reason.NOT_AUTHORIZED),
    ]
    assert not source.link.session.awaiting  # type: ignore[union-attr]


def test_retained_messages_obey_the_gate_too() -> None:
    room = Room(Broker(Rules()))
    room.enter("source").send(Publish("secret/x", b"1", 0, True), Publish("open", b"2", 0, True))
    bob = room.enter("bob", identity=BOB)
    bob.send(Subscribe(1, [Filter("#", 1)]))
    assert [packet.topic for packet in bob.read() if isinstance(packet, Publish)] == ["open"]


def test_what_the_community_takes_is_not_routed_and_keeps_its_place() -> None:
    room = Room(Broker(Rules()))
    sink, source = room.subscriber("sink", "#"), room.enter("source")
    source.send(Publish("a", b"1"), Publish("box", b"post", 1, packet_id=7), Publish("a", b"2", 1, packet_id=8))
    assert payloads(sink) == [b"1"]
    assert source.read() == []
    assert source.link.waiting is not None
    source.link.taken(Reason.QUOTA_EXCEEDED, room.clock.now)
    assert source.read() == [Ack(Kind.PUBACK, 7, Reason.QUOTA_EXCEEDED), Ack(Kind.PUBACK, 8)]
    assert payloads(sink) == [b"2"]


@pytest.mark.parametrize(("code", "taken_again"), [(Reason.UNSPECIFIED_ERROR, True), (0, False)])
@pytest.mark.parametrize("version", [4, 5])
def test_a_post_whose_author_left_is_taken_once(version: int, code: int, taken_again: bool) -> None:
    room = Room(Broker(Rules()))
    post = Publish("box", b"post", 2, packet_id=7)
    kept: dict[str, Any] = {"session_expiry": 100} if version == V5 else {}
    first = room.enter("source", version, clean=False, **kept)
    first.send(post)
    first.lose()
    first.link.taken(code, room.clock.now)
    second = room.enter("source", version, clean=False, **kept)
    second.send(Publish("box", b"post", 2, dup=True, packet_id=7))
    assert (second.link.waiting is not None) is taken_again
    if taken_again:
        second.link.taken(0, room.clock.now)
    assert second.read() == [Ack(Kind.PUBREC, 7)]


@pytest.mark.parametrize("version", [V311, V5])
@pytest.mark.parametrize("qos", [0, 1])
def test_a_message_like_the_last_one_still_goes_where_it_should(version: int, qos: int) -> None:
    rules = Rules()
    room = Room(Broker(rules))
    sink, late, source = room.enter("sink", version), room.enter("late", V5), room.enter("source", version)
    sink.send(Subscribe(1, [Filter("secret/a", 1)]))
    sink.read()

    def say(payload: bytes) -> tuple[list[bytes], list[bytes]]:
        source.send(Publish("secret/a", payload, qos, packet_id=qos))
        source.read()
        return payloads(sink), payloads(late)

    for payload in (b"1", b"2", b"3", b"4"):
        assert say(payload) == ([payload], [])
    late.send(Subscribe(1, [Filter("secret/+", 0)]))
    late.read()
    assert say(b"5") == say(b"5") == ([b"5"], [b"5"])
    sink.send(mqtt.Unsubscribe(2, ["secret/a"]))
    sink.read()
    assert say(b"6") == say(b"6") == ([], [b"6"])
    rules.readers.clear()
    room.broker.forget_routes()
    assert say(b"7") == say(b"7") == ([], [])
