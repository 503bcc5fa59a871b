"""Stories of many packets on one broker in memory: from clients in every state, whole and damaged, each answered at random.

The input is the seed of the story. What one does must not raise, not disturb the canary, and leave nothing behind.
"""

from __future__ import annotations

import random
from collections import Counter

from folkmoot.domain.broker import Broker, Identity, Link, Post
from folkmoot.wire import mqtt
from tests.fuzz.mqtt import SEEDS

PACKETS_EACH = 100
#: A whole run is a million packets at least.
LEAST_INPUTS = 10_000
_STATES = ("before", "waiting", "connected", "subscribed")
_MOST = 1 << 16

#: What was sent so far, by what became of the link.
sent: Counter[str] = Counter()


def run(data: bytes) -> None:
    """One story."""
    chance, broker, now = random.Random(data), Broker(), 0.0
    canary = _client(broker, "canary", 4, now)
    link = canary
    for number in range(PACKETS_EACH):
        now += chance.choice((0.0, 0.01, 1.0))
        if link is canary or link.ended or chance.random() < 0.02:
            link = _arrive(broker, chance, now)
        for piece in _pieces(chance, damaged(chance)):
            if not link.ended:
                link.feed(piece, now)
                _answer(chance, link, now)
        sent["ended" if link.ended else "went on"] += 1
        for each in list(broker.links):
            _read(broker, each, now)
        if number % 25 == 0:
            broker.tick(now)
    broker.dirty.clear()
    canary.feed(mqtt.PINGREQ, now)
    assert canary.take_output().endswith(mqtt.PINGRESP) and not canary.ended
    for each in list(broker.links):
        if each is not canary:
            each.end(None, now)
    assert len(broker.links) == 1


def told() -> str:
    """How much that was."""
    return f"{sent.total()} packets, {sent['ended']} of them ended a connection"


def damaged(chance: random.Random) -> bytes:
    """A packet: whole, with changed, lost or added bytes, or noise."""
    raw = bytearray(chance.choice(SEEDS))
    match chance.randint(0, 9):
        case 0:
            raw[chance.randrange(len(raw))] = chance.getrandbits(8)
        case 1:
            at = chance.randrange(2, len(raw) + 1)
            raw[at:at] = chance.randbytes(chance.randint(1, 5))
            if len(raw) < 130:
                raw[1] = len(raw) - 2
        case 2:
            del raw[chance.randrange(1, len(raw)) :]
        case 3:
            raw = bytearray(chance.randbytes(chance.randint(1, 30)))
    return bytes(raw)


def _pieces(chance: random.Random, data: bytes) -> list[bytes]:
    if chance.random() < 0.8:
        return [data]
    at = chance.randint(0, len(data))
    return [piece for piece in (data[:at], data[at:]) if piece]


def _client(broker: Broker, name: str, version: int, now: float, *, clean: bool = True) -> Link:
    link = broker.open(now)
    link.feed(mqtt.encode(mqtt.Connect(version, name, clean_start=clean), version), now)
    if link.waiting is not None:
        link.accept(Identity(1, name), now)
    return link


def _arrive(broker: Broker, chance: random.Random, now: float) -> Link:
    """Somebody new, or a session again, in one of the states."""
    state, version, name = chance.choice(_STATES), chance.choice((3, 4, 5)), f"fuzz{chance.randint(0, 3)}"
    link = broker.open(now)
    if state == "before":
        return link
    link.feed(mqtt.encode(mqtt.Connect(version, name, clean_start=chance.random() < 0.5), version), now)
    if state == "waiting" or link.waiting is None:
        return link
    link.accept(Identity(2, name), now)
    if state == "subscribed":
        filters = [mqtt.Filter("a", 1), mqtt.Filter("#", 2), mqtt.Filter("$share/g/+/b", 1)]
        link.feed(mqtt.encode(mqtt.Subscribe(9, filters), version), now)
    return link


def _answer(chance: random.Random, link: Link, now: float) -> None:
    if link.waiting is None or link.ended or chance.random() < 0.3:
        return
    if isinstance(link.waiting, Post):
        link.taken(0, now)
    elif isinstance(link.waiting, mqtt.Connect):
        link.accept(Identity(2, "fuzz"), now)


def _read(broker: Broker, link: Link, now: float) -> None:
    assert len(link.rest) <= _MOST
    if link.out:
        link.take_output()
        link.room = broker.limits.output_bytes
        broker.pump(link, now)
