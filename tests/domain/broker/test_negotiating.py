"""Enhanced authentication in the broker: which AUTH may come when, without knowing any method."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import Identity
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Reason

from .ends import ALICE, START, End, Room

METHOD = "COUNTING"


def auth(code: int, method: str | None = METHOD, data: bytes | None = b"two") -> mqtt.Auth:
    properties: mqtt.Properties = {}
    if method is not None:
        properties[Prop.AUTH_METHOD] = method
    if data is not None:
        properties[Prop.AUTH_DATA] = data
    return mqtt.Auth(code, properties)


def challenged(room: Room) -> End:
    """A client that has been asked for more."""
    end = room.knock("c", auth_method=METHOD, auth_data=b"one")
    end.link.challenge(b"more", room.clock.now)
    assert end.read_one() == auth(Reason.CONTINUE_AUTHENTICATION, data=b"more")
    return end


def inside(room: Room) -> End:
    """A client that came in this way."""
    end = challenged(room)
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    end.link.accept(ALICE, room.clock.now)
    assert isinstance(end.read_one(), mqtt.Connack)
    return end


def test_challenge_answer_and_in() -> None:
    room = Room()
    end = challenged(room)
    assert end.link.waiting is None
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    assert end.link.waiting == auth(Reason.CONTINUE_AUTHENTICATION)
    assert end.link.negotiation is not None
    end.link.negotiation.data = b"done"
    end.link.accept(ALICE, room.clock.now)
    answer = end.read_one()
    assert isinstance(answer, mqtt.Connack) and answer.code == 0
    assert (answer.properties[Prop.AUTH_METHOD], answer.properties[Prop.AUTH_DATA]) == (METHOD, b"done")
    assert room.broker.sessions["c"].identity == ALICE
    assert room.broker.count["packets.auth.received"] == room.broker.count["packets.auth.sent"] == 1


@pytest.mark.parametrize(
    "packet",
    [
        auth(Reason.REAUTHENTICATE),
        auth(Reason.SUCCESS),
        auth(Reason.CONTINUE_AUTHENTICATION, "OTHER"),
        auth(Reason.CONTINUE_AUTHENTICATION, None),
        mqtt.Publish("t", b"", 0),
        mqtt.Pingreq(),
    ],
)
def test_nothing_but_the_answer_before_connack(packet: mqtt.Packet) -> None:
    room = Room()
    end = challenged(room)
    end.send(packet)
    # [MQTT-3.1.2-30], [MQTT-4.12.0-5]
    assert end.read_one() == mqtt.Connack(code=Reason.PROTOCOL_ERROR)
    assert end.link.ended and not room.broker.sessions


def test_an_answer_nobody_waits_for() -> None:
    room = Room()
    end = room.knock("c", auth_method=METHOD)
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    # It waits until the first is dealt with, and then counts only if there was a challenge.
    assert end.read() == []
    end.link.accept(ALICE, room.clock.now)
    connack, bye = end.read()
    assert isinstance(connack, mqtt.Connack) and connack.code == 0
    assert bye == mqtt.Disconnect(Reason.PROTOCOL_ERROR)


def test_giving_up() -> None:
    room = Room()
    end = challenged(room)
    end.send(mqtt.Disconnect())
    assert end.read() == [] and end.link.ended


def test_refusals() -> None:
    room = Room()
    end = challenged(room)
    end.send(auth(Reason.CONTINUE_AUTHENTICATION))
    end.link.refuse(Reason.NOT_AUTHORIZED, room.clock.now)
    # [MQTT-4.12.0-4]
    assert end.read_one() == mqtt.Connack(code=Reason.NOT_AUTHORIZED)
    assert end.link.ended
    silent = challenged(room)
    room.wait(room.broker.limits.idle_timeout + 1)
    assert silent.link.ended


def test_auth_without_a_method() -> None:
    room = Room()
    end = room.knock("c", auth_data=b"x")
    assert end.read_one() == mqtt.Connack(code=Reason.PROTOCOL_ERROR)
    plain = room.enter("d")
    plain.send(auth(Reason.REAUTHENTICATE))
    # [MQTT-4.12.0-7]
    assert plain.read_one() == mqtt.Disconnect(Reason.PROTOCOL_ERROR)
    old = room.enter("e", version=4)
    old.send_bytes(mqtt.encode(mqtt.Auth(), 5))
    assert old.read() == [] and old.link.ended


def test_again_while_everything_goes_on() -> None:
    room = Room()
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE))
    end.link.challenge(b"more", room.clock.now)
    assert end.read_one() == auth(Reason.CONTINUE_AUTHENTICATION, data=b"more")
    end.send(mqtt.Pingreq())
    assert end.read_one() == mqtt.Pingresp()
    end.send(auth(Reason.CONTINUE_AUTHENTICATION), mqtt.Pingreq())
    assert end.read() == []
    end.link.accept(ALICE, room.clock.now)
    assert end.read() == [auth(Reason.SUCCESS, data=None), mqtt.Pingresp()]
    assert room.broker.sessions["c"].link is end.link


def test_again_and_wrong() -> None:
    room = Room()
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE))
    end.link.refuse(Reason.BAD_CREDENTIALS, room.clock.now)
    # [MQTT-4.12.1-2]
    assert end.read_one() == mqtt.Disconnect(Reason.NOT_AUTHORIZED)
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE, "OTHER"))
    # [MQTT-4.12.1-1]
    assert end.read_one() == mqtt.Disconnect(Reason.PROTOCOL_ERROR)


def test_nobody_becomes_another() -> None:
    room = Room()
    end = inside(room)
    end.send(auth(Reason.REAUTHENTICATE))
    end.link.accept(Identity(2, "bob"), room.clock.now)
    assert end.read_one() == mqtt.Disconnect(Reason.NOT_AUTHORIZED)


def test_a_credential_that_ends() -> None:
    room = Room()
    end = room.enter("c")
    end.link.client.expires_at = START + 10
    room.wait(9)
    assert end.read() == []
    room.wait(2)
    assert end.read_one() == mqtt.Disconnect(Reason.NOT_AUTHORIZED)
