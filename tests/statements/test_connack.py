"""Chapters 3.1 and 3.2: what is told in CONNACK, and what happens to those who do not keep to it."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import Broker, Identity, Limits
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Filter, Prop, Publish, Reason, Subscribe

from ..domain.broker.ends import Room
from . import V5, states
from .speaking import (
    HOUR,
    assert_ended,
    assert_refused,
    has,
    messages,
    payloads,
    stays,
)


@states(v5="MQTT-3.2.2-9 MQTT-3.2.2-10 MQTT-3.2.2-11 MQTT-3.2.2-12 MQTT-4.13.2-1")
@pytest.mark.parametrize("most", [0, 1])
def test_a_lower_maximum_qos(most: int) -> None:
    room = Room(Broker(limits=Limits(max_qos_allowed=most)))
    end = room.enter("me")
    assert end.connack.properties[Prop.MAXIMUM_QOS] == most  # type: ignore[attr-defined]
    end.send(Subscribe(1, [Filter("a", 0), Filter("b", 1), Filter("c", 2)]))
    assert end.read() == [mqtt.Suback(1, [0, min(1, most), most])]
    end.send(Publish("a", b"x", most + 1, packet_id=1))
    assert_ended(end, Reason.QOS_NOT_SUPPORTED)
    assert_refused(room.knock("me", will=mqtt.Will("w", b"", most + 1)), Reason.QOS_NOT_SUPPORTED)
    assert room.knock("me", will=mqtt.Will("w", b"", most)).link.waiting is not None
    assert not has(Room().enter("me").connack, Prop.MAXIMUM_QOS)  # type: ignore[attr-defined]


@states(v5="MQTT-3.2.2-13 MQTT-3.2.2-14")
def test_no_retaining() -> None:
    room = Room(Broker(limits=Limits(retain_available=False)))
    end = room.enter("me")
    assert end.connack.properties[Prop.RETAIN_AVAILABLE] == 0  # type: ignore[attr-defined]
    end.send(Publish("a", b"x", retain=True))
    assert_ended(end, Reason.RETAIN_NOT_SUPPORTED)
    assert_refused(room.knock("me", will=mqtt.Will("w", b"", retain=True)), Reason.RETAIN_NOT_SUPPORTED)


@states(v5="MQTT-3.2.2-15")
@pytest.mark.parametrize("most", [40, 129, 130, 131, 1000, 20_000])
@pytest.mark.parametrize("runs", [1, 3])
def test_packets_as_large_as_we_take_and_larger(most: int, runs: int) -> None:
    room = Room(Broker(limits=Limits(max_packet_size=most)))
    sink = room.subscriber("sink", "a")
    end = room.enter("me")
    assert end.connack.properties[Prop.MAXIMUM_PACKET_SIZE] == most  # type: ignore[attr-defined]
    sizes = [len(mqtt.encode(Publish("a", b"x" * size), V5)) for size in range(most)]
    fits = max(size for size in range(most) if sizes[size] <= most)
    end.send(*[Publish("a", b"x" * fits)] * runs)
    assert [len(payload) for payload in payloads(sink)] == [fits] * runs
    end.send(Publish("a", b""), Publish("a", b"x" * (fits + 1)))
    assert payloads(sink) == [b""]
    assert_ended(end, Reason.PACKET_TOO_LARGE)


@states(v5="MQTT-3.2.2-17 MQTT-3.2.2-18 MQTT-3.3.2-9 MQTT-3.3.2-12")
@pytest.mark.parametrize("most", [0, 5, 65_535])
def test_aliases_up_to_our_maximum(most: int) -> None:
    room = Room(Broker(limits=Limits(max_topic_alias=most)))
    end, sink = room.enter("me"), room.subscriber("sink", "#")
    assert end.connack.properties.get(Prop.TOPIC_ALIAS_MAXIMUM, 0) == most  # type: ignore[attr-defined]
    for alias in {1, most} if most else ():
        end.send(Publish(f"a/{alias}", b"1", properties={Prop.TOPIC_ALIAS: alias}))
        end.send(Publish("", b"2", properties={Prop.TOPIC_ALIAS: alias}))
        assert [(one.topic, one.payload) for one in messages(sink)] == [(f"a/{alias}", b"1"), (f"a/{alias}", b"2")]
    if most < 65_535:
        end.send(Publish("a", b"x", properties={Prop.TOPIC_ALIAS: most + 1}))
        assert_ended(end, Reason.TOPIC_ALIAS_INVALID)
        assert sink.read() == []


@states(v5="MQTT-3.1.2-22 MQTT-3.2.2-22 MQTT-4.13.2-1", v3="MQTT-3.1.2-24")
def test_silence_of_one_and_a_half_keep_alives(version: int) -> None:
    room = Room()
    sink = room.subscriber("sink", "w", version=version)
    end = room.enter("me", version, keepalive=10, will=mqtt.Will("w", b"gone"))
    room.wait(14)
    end.send(mqtt.Pingreq())
    room.wait(14.9)
    assert end.read() == [mqtt.Pingresp()]
    assert sink.read() == []
    room.wait(1)
    assert_ended(end, Reason.KEEP_ALIVE_TIMEOUT)
    # As if the network had failed.
    assert payloads(sink) == [b"gone"]


@states(v5="MQTT-3.1.2-22", v3="MQTT-3.1.2-24")
def test_every_packet_breaks_the_silence_and_0_is_none(version: int) -> None:
    room = Room()
    end, silent = room.enter("me", version, keepalive=10), room.enter("silent", version)
    for _ in range(5):
        room.wait(14)
        end.send(Publish("a", b""))
    room.wait(14)
    assert not end.link.ended
    assert not silent.link.ended


@states(v5="MQTT-3.1.2-22 MQTT-3.2.2-22")
def test_our_keep_alive() -> None:
    room = Room(Broker(limits=Limits(server_keepalive=20)))
    end = room.enter("me", keepalive=10)
    assert end.connack.properties[Prop.SERVER_KEEP_ALIVE] == 20  # type: ignore[attr-defined]
    room.wait(29)
    assert not end.link.ended
    room.wait(2)
    assert end.link.ended
    assert not has(Room().enter("me", keepalive=10).connack, Prop.SERVER_KEEP_ALIVE)


@states(v5="MQTT-3.1.2-28")
def test_response_information_only_for_who_asks() -> None:
    room = Room(Broker(limits=Limits(response_information="here/")))
    for asked, given in ((1, "here/"), (0, None)):
        connack = room.enter("me", request_response_information=asked).connack  # type: ignore[attr-defined]
        assert connack.properties.get(Prop.RESPONSE_INFORMATION) == given
    assert not has(room.enter("me").connack, Prop.RESPONSE_INFORMATION)  # type: ignore[attr-defined]


@states(v5="MQTT-3.1.2-30 MQTT-3.14.0-1")
@pytest.mark.parametrize("packet", [Publish("a", b"x"), Subscribe(1, [Filter("a")]), mqtt.Pingreq()], ids=type)
def test_nothing_but_auth_before_connack(packet: mqtt.Packet) -> None:
    room = Room()
    sink = room.subscriber("sink", "a")
    end = room.knock("me", auth_method="A")
    end.link.challenge(b"?", room.clock.now)
    end.read()
    end.send(packet)
    assert_refused(end, Reason.PROTOCOL_ERROR)
    assert sink.read() == []


@states(v5="MQTT-3.1.2-30 MQTT-3.14.0-1")
def test_disconnect_before_connack() -> None:
    room = Room()
    end = room.knock("me", auth_method="A")
    end.link.challenge(b"?", room.clock.now)
    end.read()
    end.send(mqtt.Disconnect())
    assert end.read() == []
    assert end.link.ended


@states(v5="MQTT-3.1.3-2")
def test_another_account_gets_a_session_of_its_own() -> None:
    room = Room()
    stays(room, "me", V5).lose()
    end = room.enter("me", identity=Identity(2, "bob"), clean=False, session_expiry=HOUR)
    assert end.connack.session_present is False  # type: ignore[attr-defined]
