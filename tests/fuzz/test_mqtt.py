"""A short run of the fuzz target for MQTT; `make fuzz` runs it for longer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.wire import mqtt
from tests.fuzz.mqtt import run

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
    mqtt.encode(mqtt.Disconnect(), 4),
)


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 255), st.lists(st.sampled_from(SEEDS) | st.binary(max_size=12), max_size=12))
def test_any_bytes(choice: int, parts: list[bytes]) -> None:
    run(bytes([choice]) + b"".join(parts))


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 255), st.lists(st.sampled_from(SEEDS), min_size=1, max_size=6), st.data())
def test_damaged_packets(choice: int, parts: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    run(bytes([choice]) + bytes(raw))
