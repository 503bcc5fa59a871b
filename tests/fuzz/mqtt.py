"""Any bytes for the MQTT codec and for a broker's link in each of its states.

What is parsed must be encoded and parsed back the same; a link must end or go on, never raise, and not disturb another
client.
"""

from __future__ import annotations

from folkmoot.domain.broker import Broker, Identity, Post
from folkmoot.wire import mqtt

SEEDS = (
    mqtt.encode(mqtt.Connect(4, "c"), 4),
    mqtt.encode(mqtt.Connect(5, "c", will=mqtt.Will("w", b"x", 1)), 5),
    mqtt.encode(mqtt.Publish("a", b"x"), 4),
    mqtt.encode(mqtt.Publish("a", b"x"), 5),
    mqtt.encode(mqtt.Publish("a", b"x", 1, packet_id=1), 4),
    mqtt.encode(mqtt.Publish("a/b", b"y" * 200, 2, packet_id=2), 5),
    mqtt.encode(mqtt.Publish("a", b"x", properties={mqtt.Prop.TOPIC_ALIAS: 1}), 5),
    mqtt.encode(mqtt.Publish("", b"x", properties={mqtt.Prop.TOPIC_ALIAS: 1}), 5),
    mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("a/#", 2)]), 4),
    mqtt.encode(mqtt.Unsubscribe(1, ["a"]), 5),
    mqtt.encode(mqtt.Ack(mqtt.Kind.PUBACK, 1), 4),
    mqtt.encode(mqtt.Ack(mqtt.Kind.PUBREC, 1), 4),
    mqtt.encode(mqtt.Ack(mqtt.Kind.PUBREL, 2), 4),
    mqtt.encode(mqtt.Ack(mqtt.Kind.PUBCOMP, 1), 4),
    mqtt.PINGREQ,
    mqtt.encode(mqtt.Publish("a", b"x", 1, packet_id=3, retain=True), 5),
    mqtt.encode(mqtt.Publish("$delayed/1/a", b"x", 1, packet_id=4), 5),
    mqtt.encode(mqtt.Publish("$share/g/a", b"x"), 5),
    mqtt.encode(mqtt.Publish("$exclusive/a", b"x"), 5),
    mqtt.encode(mqtt.Subscribe(2, [mqtt.Filter("$share/g/a", 1), mqtt.Filter("+/b", 2)]), 5),
    mqtt.encode(mqtt.Unsubscribe(3, ["a/#", "$share/g/a"]), 4),
    mqtt.encode(mqtt.Auth(0x18), 5),
    mqtt.encode(mqtt.Disconnect(), 4),
    mqtt.encode(mqtt.Disconnect(4), 5),
)

_SUBSCRIBED = [mqtt.Filter("a", 1), mqtt.Filter("#", 2), mqtt.Filter("$share/g/+/b", 1)]
_MOST = 1 << 16


def run(data: bytes) -> None:
    """The first byte chooses the version and the state, the rest is what comes."""
    if not data:
        return
    version, rest = 3 + data[0] % 3, data[1:]
    _codec(rest, version)
    _link(rest, version, data[0])


def _codec(data: bytes, version: int) -> None:
    pos = 0
    try:
        while pos < len(data):
            packet, pos = mqtt.parse(data, version, pos)
            spoken = packet.version if isinstance(packet, mqtt.Connect) else version
            assert mqtt.parse(mqtt.encode(packet, spoken), spoken)[0] == packet
    except mqtt.PacketError as error:
        assert error.fault == "peer", error


def _link(data: bytes, version: int, choice: int) -> None:
    broker = Broker()
    canary = broker.open(0.0)
    canary.feed(mqtt.encode(mqtt.Connect(4, "canary"), 4), 0.0)
    canary.accept(Identity(1, "canary"), 0.0)
    link = broker.open(0.0)
    if choice & 0x40:
        link.feed(mqtt.encode(mqtt.Connect(version, "fuzz", clean_start=False), version), 0.0)
        if choice & 0x80:
            link.accept(Identity(2, "fuzz"), 0.0)
            link.feed(mqtt.encode(mqtt.Subscribe(1, _SUBSCRIBED), version), 0.0)
            link.feed(mqtt.encode(mqtt.Publish("a", b"x"), version), 0.0)
    step = 1 + choice % 7
    for at in range(0, len(data), step * 5):
        link.feed(data[at : at + step * 5], 1.0)
        _answer(broker, link)
    _settle(broker, link)
    canary.feed(mqtt.PINGREQ, 2.0)
    assert canary.take_output().endswith(mqtt.PINGRESP)
    assert not canary.ended
    broker.tick(1e9)
    assert not broker.links - {canary, link}


def _answer(broker: Broker, link: object) -> None:
    for each in list(broker.links):
        if each.waiting is not None and each is link:
            if isinstance(each.waiting, Post):
                each.taken(0, 1.0)
            else:
                each.accept(Identity(2, "fuzz"), 1.0)


def _settle(broker: Broker, link: object) -> None:
    broker.dirty.clear()
    for each in list(broker.links):
        assert len(each.rest) <= _MOST
        while each.out and each is link:
            each.take_output()
            each.room = broker.limits.output_bytes
            broker.pump(each, 1.0)
