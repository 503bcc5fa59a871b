"""Messages that are published later, without sockets; what survives a kill is in `test_journal` and `tests/whole`."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker import (
    Broker,
    Client,
    DelayedSettings,
    Identity,
    Message,
    OpenGate,
    Verdict,
    Wish,
)
from folkmoot.errors import Invalid, NotFound
from folkmoot.store import Database
from folkmoot.wire.mqtt import Ack, Disconnect, Kind, Prop, Publish, Reason, Will

from .ends import START, End, Room
from .test_journal import durable, enter, killed, rows, save, subscribed


def payloads(end: End) -> list[bytes]:
    return [packet.payload for packet in end.read() if isinstance(packet, Publish)]


def acked(end: End, topic: str, **options: object) -> int:
    """The reason code of PUBACK, or of DISCONNECT."""
    end.send(Publish(topic, b"x", 1, packet_id=1, **options))  # type: ignore[arg-type]
    answer = end.read_one()
    assert isinstance(answer, Ack | Disconnect)
    return answer.code


def test_a_message_comes_when_it_is_due() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "#", 1), room.enter("source")
    assert acked(source, "$delayed/5/a/b") == 0
    assert acked(source, f"$delayed/{int(START) + 8}/a/c") == 0
    assert [one.message.topic for one in room.broker.delayed.messages.values()] == ["a/b", "a/c"]
    room.wait(4.9)
    assert sink.read() == []
    room.wait(0.1)
    (message,) = sink.read()
    assert isinstance(message, Publish)
    assert (message.topic, message.payload, message.qos, message.retain) == ("a/b", b"x", 1, False)
    room.wait(3)
    assert [packet.topic for packet in sink.read() if isinstance(packet, Publish)] == ["a/c"]
    assert not room.broker.delayed.messages


def test_what_is_past_comes_at_once_and_zero_too() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "#"), room.enter("source")
    source.send(Publish("$delayed/4294967/far", b"in 1970"), Publish("$delayed/0/now", b"now"))
    room.wait(0)
    assert payloads(sink) == [b"in 1970", b"now"]
    source.send(Publish("$delayed/4294966/far", b"relative"))
    room.wait(0)
    assert payloads(sink) == []
    (one,) = room.broker.delayed.messages.values()
    assert (one.due_at, one.interval) == (START + 4_294_966, 4_294_966)


@pytest.mark.parametrize(
    "topic",
    [
        "$delayed/x/a", "$delayed/-1/a", "$delayed/1.5/a", "$delayed//a", "$delayed/5", "$delayed/5/", "$delayed/",
        f"$delayed/{int(START) + 4_294_968}/a", "$delayed/" + "9" * 40 + "/a", "$delayed/5/$delayed/5/a", "$delayed/٣/a",
    ],
)  # fmt: skip
def test_what_cannot_be_postponed_is_refused(topic: str) -> None:
    room = Room()
    source = room.enter("source")
    assert acked(source, topic) == Reason.TOPIC_NAME_INVALID
    assert source.link.ended and not room.broker.delayed.messages


def test_switched_off_it_is_an_ordinary_topic() -> None:
    room = Room()
    sink, source = room.subscriber("sink", "$delayed/#"), room.enter("source")
    assert acked(source, "$delayed/5/a") == 0
    room.broker.delayed.change(DelayedSettings(enable=False))
    source.send(Publish("$delayed/5/a", b"1"), Publish("$delayed/5/a", b"2"), Publish("$delayed/x", b"3"))
    assert payloads(sink) == [b"1", b"2", b"3"]
    room.broker.delayed.change(DelayedSettings())
    source.send(Publish("$delayed/5/a", b"4"))
    assert payloads(sink) == [] and len(room.broker.delayed.messages) == 2


def test_no_more_than_are_allowed_wait() -> None:
    room = Room()
    source = room.enter("source")
    room.broker.delayed.change(DelayedSettings(max_delayed_messages=2))
    assert [acked(source, "$delayed/5/a") for _ in range(3)] == [0, 0, Reason.QUOTA_EXCEEDED]
    source.send(Publish("$delayed/5/a", b"x"), Publish("$delayed/5/a", b"x", 2, packet_id=9))
    assert source.read_one() == Ack(Kind.PUBREC, 9, Reason.QUOTA_EXCEEDED)
    room.wait(5)
    assert acked(source, "$delayed/5/a") == 0


class Closed(OpenGate):
    """Only `free` may be published to; takes `posts`."""

    def judge(self, client: Client, wish: Wish) -> Verdict:
        return Verdict.ALLOW if wish.topic in ("free", "posts") else Verdict.DENY

    def takes(self, topic: str) -> bool:
        return topic == "posts"


def test_permission_is_about_the_topic_it_is_for() -> None:
    room = Room(Broker(Closed()))
    source = room.enter("source")
    assert [acked(source, topic) for topic in ("$delayed/5/free", "$delayed/5/other")] == [0, Reason.NOT_AUTHORIZED]
    room.enter("gone", will=Will("$delayed/5/free", b"will")).lose()
    room.enter("gone", will=Will("$delayed/5/other", b"will")).lose()
    assert [one.message.payload for one in room.broker.delayed.messages.values()] == [b"x", b"will"]


def test_what_the_community_takes_is_handed_over_when_it_is_due() -> None:
    room = Room(Broker(Closed()))
    assert acked(room.enter("source"), "$delayed/5/posts") == 0
    assert room.broker.posts == []
    room.wait(5)
    ((identity, message),) = room.broker.posts
    assert (identity, message.topic) == (Identity(1, "alice"), "posts")


def test_a_retained_one_is_retained_where_it_is_for_and_when() -> None:
    room = Room()
    source = room.enter("source")
    assert acked(source, "$delayed/5/a", retain=True) == 0
    assert not room.broker.retained.messages
    room.wait(5)
    assert list(room.broker.retained.messages) == ["a"]


def test_who_is_banned_does_not_speak_and_what_has_expired_is_not_said() -> None:
    room = Room()
    sink = room.subscriber("sink", "#")
    assert acked(room.enter("bad"), "$delayed/5/a") == 0
    assert acked(room.enter("good"), "$delayed/5/a", properties={Prop.MESSAGE_EXPIRY: 3}) == 0
    assert acked(room.enter("good"), "$delayed/5/b", properties={Prop.MESSAGE_EXPIRY: 9}) == 0
    room.broker.delayed.is_banned = lambda client_id, name: (client_id, name) == ("bad", "alice")
    room.wait(5)
    (message,) = sink.read()
    assert isinstance(message, Publish)
    assert (message.topic, message.properties) == ("b", {Prop.MESSAGE_EXPIRY: 4})


def test_many_that_are_due_do_not_hold_up_the_others() -> None:
    room = Room()
    sink = room.subscriber("sink", "a")
    for number in range(1000):
        room.broker.publish(Message("$delayed/5/a", b"%d" % number, published_at=START), START)
    room.clock.now += 5
    room.broker.agenda.run(room.clock.now)
    first = payloads(sink)
    assert 0 < len(first) < 1000
    while room.broker.delayed.messages:
        room.broker.agenda.run(room.clock.now)
    assert first + payloads(sink) == [b"%d" % number for number in range(1000)]


def test_finding_and_dropping() -> None:
    room = Room()
    delayed = room.broker.delayed
    for _ in range(2):
        room.broker.publish(Message("$delayed/5/a", b"x", published_at=START), START)
    one, other = delayed.messages.values()
    assert one.id != other.id and len(one.id) == 32
    assert delayed.get(one.id) is one and delayed.get(other.id.lower()) is other
    for wrong in ("", "x", "0" * 31, "g" * 32, one.id + "0"):
        with pytest.raises(Invalid):
            delayed.get(wrong)
    delayed.drop(one)
    for unknown in (one.id, "0" * 32, "F" * 16 + other.id[16:]):
        with pytest.raises(NotFound):
            delayed.get(unknown)
    for _ in range(1000):
        room.broker.publish(Message("$delayed/5/a", b"x", published_at=START), START)
        delayed.drop(list(delayed.messages.values())[-1])
    assert len(delayed._due) < 100, "what was dropped is remembered until it would have been due"


def test_the_acknowledgement_waits_for_the_commit_and_the_message_for_its_time(broker_database: Database) -> None:
    room = durable()
    source = room.enter("source")
    source.send(Publish("$delayed/60/a", b"1", 1, packet_id=1, properties={Prop.CONTENT_TYPE: "t"}))
    source.send(Publish("$delayed/50/a", b"2", 2, retain=True, packet_id=2))
    assert source.read() == [], "it ran ahead"
    save(broker_database, room.broker)
    assert source.read() == [Ack(Kind.PUBACK, 1), Ack(Kind.PUBREC, 2)]
    before = list(room.broker.delayed.messages.values())
    after = killed(broker_database, room)
    sink = after.subscriber("sink", "a", 2)
    kept = list(after.broker.delayed.messages.values())
    assert [one.id for one in kept] == [one.id for one in before]
    for one, other in zip(kept, before, strict=True):
        one.message.number = other.message.number
        assert one == other
    after.wait(55)
    assert payloads(sink) == [b"2"]
    save(broker_database, after.broker)
    assert payloads(sink) == [], "QoS 2"
    assert rows(broker_database, "delayed_messages") == 1
    last = killed(broker_database, after)
    last.broker.delayed.drop(next(iter(last.broker.delayed.messages.values())))
    save(broker_database, last.broker)
    assert rows(broker_database, "delayed_messages") == 0


def test_it_is_gone_in_the_same_commit_that_brings_it_to_sessions(broker_database: Database) -> None:
    room = durable()
    sink = subscribed(room, "sink", "a", 2, broker_database)
    sink.lose()
    room.broker.publish(Message("$delayed/5/a", b"x", 2, published_at=START), START)
    save(broker_database, room.broker)
    room.wait(5)
    # Killed before the commit: it is due once more. After it: it waits in the session, and nowhere else.
    before = killed(broker_database, room)
    assert (len(before.broker.delayed.messages), len(before.broker.sessions["sink"].queue)) == (1, 0)
    save(broker_database, room.broker)
    after = killed(broker_database, room)
    assert (len(after.broker.delayed.messages), len(after.broker.sessions["sink"].queue)) == (0, 1)
    after.wait(10)
    assert len(after.broker.sessions["sink"].queue) == 1


def test_numbers_are_not_given_twice(broker_database: Database) -> None:
    room = durable()
    room.broker.publish(Message("$delayed/500/a", b"x", published_at=START), START)
    save(broker_database, room.broker)
    after = killed(broker_database, room)
    enter(after, "somebody")
    after.broker.publish(Message("$delayed/500/a", b"y", published_at=START), START)
    save(broker_database, after.broker)
    assert sorted(one.message.payload for one in killed(broker_database, after).broker.delayed.messages.values()) == [
        b"x",
        b"y",
    ]
    assert rows(broker_database, "sessions") == 1
