"""What clients reach by what they call themselves and where they write: no name leads to topics that are not theirs."""

from __future__ import annotations

import pytest

from folkmoot.domain.authorization import RuleGate
from folkmoot.domain.broker import AutomaticSubscription, Broker, Identity, Message, RewriteRule
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason
from tests.domain.broker.ends import End, Room

NOBODY = Identity()


def guarded() -> Room:
    """A broker with the community's law and the rules there are at first."""
    gate = RuleGate()
    room = Room(Broker(gate))
    gate.serve(room.broker)
    gate.clock = lambda: room.clock.now
    gate.community.open = frozenset({"town"})
    return room


def mounted(room: Room, client_id: str, mountpoint: str, will: mqtt.Will | None = None) -> End:
    """A client that has connected by a listener with a mountpoint, whether it was let in or not."""
    end = room.knock(client_id, will=will)
    end.link.client.mountpoint = mountpoint
    end.link.accept(NOBODY, room.clock.now)
    return end


def payloads(end: End) -> list[bytes]:
    return [each.payload for each in end.read() if isinstance(each, mqtt.Publish)]


def publish(end: End, topic: str, payload: bytes = b"forged", retain: bool = False) -> None:
    end.send(mqtt.Publish(topic, payload, retain=retain))


@pytest.mark.parametrize(
    ("client_id", "mountpoint", "topic"),
    [
        ("spaces", "${clientid}/", "town/messages"),
        ("spa", "${clientid}", "ces/town/messages"),
        ("c", "spaces/", "town/messages"),
        ("c", "spaces/", "$delayed/0/town/messages"),
    ],
)
def test_no_mountpoint_lets_anybody_speak_for_the_community(client_id: str, mountpoint: str, topic: str) -> None:
    room = guarded()
    listener = room.subscriber("listener", "spaces/town/messages")
    end = mounted(room, client_id, mountpoint, mqtt.Will(topic, b"forged", 0, False, {}))
    publish(end, topic)
    end.send(mqtt.Publish(topic, b"forged", 1, packet_id=7))
    if not end.link.ended:
        assert end.read()[-1] == mqtt.Ack(mqtt.Kind.PUBACK, 7, Reason.NOT_AUTHORIZED)
    end.lose()
    room.wait(2)
    assert payloads(listener) == []


@pytest.mark.parametrize("client_id", ["+", "#", "a/+", "$SYS", "$SYS/brokers", "$delayed/0/x", "$share/g"])
def test_who_is_called_like_a_wildcard_has_no_mountpoint_and_does_not_come_in(client_id: str) -> None:
    room = guarded()
    end = mounted(room, client_id, "${clientid}/")
    [answer] = end.read()
    assert isinstance(answer, mqtt.Connack)
    assert answer.code == Reason.CLIENT_ID_NOT_VALID
    assert client_id not in room.broker.sessions


def test_a_mountpoint_that_is_written_so_is_the_operators_to_choose() -> None:
    room = guarded()
    end = mounted(room, "c", "$tenant/${clientid}/")
    assert end.link.client.mountpoint == "$tenant/c/"


RULES = [
    RewriteRule("all", "x/#", "$1", "^x/(.+)$"),
    RewriteRule("subscribe", "mine", "own/${clientid}/#", "^mine$"),
    RewriteRule("subscribe", "name", "${clientid}/#", "^name$"),
]


@pytest.mark.parametrize("inner", ["spaces/town/messages", "$delayed/0/spaces/town/messages", "$SYS/brokers"])
def test_nothing_is_rewritten_to_what_is_reserved_not_even_later(inner: str) -> None:
    room = guarded()
    room.broker.rewriting.replace(RULES)
    listener = room.subscriber("listener", inner.removeprefix("$delayed/0/"))
    publish(room.enter("c", identity=NOBODY), f"x/{inner}")
    room.wait(2)
    assert payloads(listener) == []


@pytest.mark.parametrize(
    ("client_id", "topic_filter", "heard"),
    [
        ("c", "x/$SYS/#", "$SYS/secret"),
        ("+", "mine", "own/other/x"),
        ("#", "name", "own/other/x"),
        ("$SYS", "name", "$SYS/secret"),
    ],
)
def test_a_filter_is_not_rewritten_to_what_is_not_the_clients(client_id: str, topic_filter: str, heard: str) -> None:
    room = guarded()
    room.broker.rewriting.replace(RULES)
    end = room.subscriber(client_id, topic_filter)
    room.broker.publish(_message(heard), room.clock.now)
    assert payloads(end) == []


@pytest.mark.parametrize(
    ("client_id", "template", "heard"),
    [
        ("+", "own/${clientid}/#", "own/other/x"),
        ("#", "own/${clientid}", "own/other/x"),
        ("$SYS", "${clientid}/#", "$SYS/secret"),
        ("$share/g/own", "${clientid}/#", "own/other/x"),
    ],
)
def test_nobody_is_subscribed_to_what_it_is_called_like(client_id: str, template: str, heard: str) -> None:
    room = guarded()
    room.broker.automatic.replace([AutomaticSubscription(template)])
    end = room.enter(client_id)
    room.broker.publish(_message(heard), room.clock.now)
    assert payloads(end) == []


def _message(topic: str) -> Message:
    return Message(topic, b"secret")
