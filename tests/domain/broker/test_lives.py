"""How sessions and connections begin, go on and end: takeover, expiry, wills, kicks. No sockets; time moves by hand."""

from __future__ import annotations

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Disconnect, Filter, Prop, Publish, Reason, Subscribe

from .ends import BOB, START, End, Room, payloads

V311 = 4
WILL = mqtt.Will("will", b"gone", 1)


def test_takeover_resumes_or_replaces_the_session() -> None:
    room = Room()
    old = room.enter("me", clean=False, session_expiry=100)
    old.send(Subscribe(1, [Filter("a", 0)]))
    old.read()
    new = room.enter("me", clean=False, session_expiry=100)
    assert new.connack.session_present  # type: ignore[attr-defined]
    assert old.read_one() == Disconnect(Reason.SESSION_TAKEN_OVER)
    assert old.link.ended
    room.enter("source").send(Publish("a", b"x"))
    assert payloads(new) == [b"x"]
    fresh = room.enter("me")
    assert not fresh.connack.session_present  # type: ignore[attr-defined]
    room.enter("source").send(Publish("a", b"y"))
    assert payloads(fresh) == []


def test_nobody_resumes_the_session_of_another_account() -> None:
    room = Room()
    old = room.enter("me", clean=False, session_expiry=100)
    old.send(Subscribe(1, [Filter("secret", 1)]))
    old.lose()
    room.enter("source").send(Publish("secret", b"x", 1, packet_id=1))
    thief = room.enter("me", identity=BOB, clean=False, session_expiry=100)
    assert not thief.connack.session_present  # type: ignore[attr-defined]
    assert thief.read() == []


def test_a_session_ends_when_its_time_is_over() -> None:
    room = Room()
    room.enter("me", clean=False, session_expiry=10).lose()
    room.wait(9)
    assert "me" in room.broker.sessions
    room.wait(2)
    assert "me" not in room.broker.sessions
    room.enter("clean").lose()
    assert "clean" not in room.broker.sessions


def test_a_session_that_was_to_end_cannot_be_kept_at_the_last_moment() -> None:
    end = Room().enter("me")
    end.send(Disconnect(0, {Prop.SESSION_EXPIRY: 5}))
    assert end.read_one() == Disconnect(Reason.PROTOCOL_ERROR)


def test_a_will_is_published_unless_the_client_says_good_bye() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    room.enter("a", will=WILL).lose()
    assert payloads(watcher) == [b"gone"]
    room.enter("b", will=WILL).send(Disconnect())
    assert payloads(watcher) == []
    room.enter("c", will=WILL).send(Disconnect(Reason.DISCONNECT_WITH_WILL))
    assert payloads(watcher) == [b"gone"]
    room.enter("d", V311, will=WILL).send_bytes(b"\xff\0")
    assert payloads(watcher) == [b"gone"]


def test_a_delayed_will_waits_for_the_client_or_the_end_of_its_session() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    delayed = mqtt.Will("will", b"gone", properties={Prop.WILL_DELAY: 10})
    room.enter("a", will=delayed, clean=False, session_expiry=100).lose()
    room.wait(9)
    assert payloads(watcher) == []
    room.wait(2)
    assert payloads(watcher) == [b"gone"]
    room.enter("b", will=delayed, clean=False, session_expiry=100).lose()
    room.enter("b", clean=False, session_expiry=100)
    room.wait(20)
    assert payloads(watcher) == []
    room.enter("c", will=delayed, clean=False, session_expiry=3).lose()
    room.wait(4)
    assert payloads(watcher) == [b"gone"]


def test_keepalive_times_out_at_one_and_a_half() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    end = room.enter("me", keepalive=10, will=WILL)
    room.wait(14)
    end.send(mqtt.Pingreq())
    assert end.read_one() == mqtt.Pingresp()
    room.wait(14)
    assert not end.link.ended
    room.wait(2)
    assert end.read_one() == Disconnect(Reason.KEEP_ALIVE_TIMEOUT)
    assert payloads(watcher) == [b"gone"]


def test_a_connection_without_connect_is_closed_after_the_idle_timeout() -> None:
    room = Room()
    silent, slow = End(room.broker, room.clock), End(room.broker, room.clock)
    slow.send_bytes(b"\x10\x20\0\4MQ")
    room.wait(14)
    slow.send_bytes(b"T")
    assert not silent.link.ended
    room.wait(2)
    assert silent.link.ended
    assert slow.link.ended
    assert room.broker.links == set()


def test_ending_all_of_an_account() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    watcher.link.session.identity = BOB  # type: ignore[union-attr]
    live = room.enter("live", will=WILL)
    room.enter("absent", clean=False, session_expiry=100).lose()
    assert room.broker.end_sessions(1, room.clock.now) == 2
    assert live.read_one() == Disconnect(Reason.ADMINISTRATIVE_ACTION)
    assert list(room.broker.sessions) == ["watcher"]
    assert watcher.read() == []


def test_kicking_publishes_the_will() -> None:
    room = Room()
    watcher = room.subscriber("watcher", "will")
    end = room.enter("me", will=WILL, clean=False, session_expiry=100)
    assert room.broker.kick("me", room.clock.now)
    assert not room.broker.kick("me", room.clock.now)
    assert end.read_one() == Disconnect(Reason.ADMINISTRATIVE_ACTION)
    assert payloads(watcher) == [b"gone"]


def test_stopping_says_so_and_keeps_sessions() -> None:
    room = Room()
    end, old, strange = (
        room.enter("a", clean=False, session_expiry=9),
        room.enter("b", V311),
        End(room.broker, room.clock),
    )
    room.broker.stop(START)
    assert end.read_one() == Disconnect(Reason.SHUTTING_DOWN)
    assert old.read() == []
    assert old.link.ended
    assert strange.link.ended
    assert list(room.broker.sessions) == ["a"]
