"""What the broker tells below `$SYS`."""

from __future__ import annotations

import json

from folkmoot.domain.broker import Identity
from folkmoot.domain.monitoring import METRICS, Announcer, Gauges, Outlet
from folkmoot.wire import mqtt
from tests.domain.broker.ends import START, End, Room

NODE = "emqx@127.0.0.1"
MILLISECONDS = int(START * 1000)


class Told(Room):
    """A room whose broker tells of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.outlet = Outlet(self.broker, NODE, lambda: self.clock.now)
        self.announcer = Announcer(self.broker, self.outlet, Gauges(self.broker), self.clock.now)
        self.announcer.start(NODE, "5.8.9", "A broker")

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.announcer.tick(self.clock.now)


def heard(end: End) -> dict[str, bytes]:
    found = {}
    for packet in end.read():
        assert isinstance(packet, mqtt.Publish)
        assert not packet.qos
        found[packet.topic.removeprefix(f"$SYS/brokers/{NODE}/")] = packet.payload
    return found


def listen(room: Room, topic_filter: str) -> End:
    end = room.enter("ear")
    end.send(mqtt.Subscribe(1, [mqtt.Filter(topic_filter, 0)]))
    return end


def test_what_can_be_read_at_any_time_is_retained() -> None:
    room = Told()
    ear = listen(room, "$SYS/#")
    packets = ear.read()[1:]
    assert {(one.topic, one.payload) for one in packets if isinstance(one, mqtt.Publish) and one.retain} == {
        ("$SYS/brokers", NODE.encode()),
        (f"$SYS/brokers/{NODE}/version", b"5.8.9"),
        (f"$SYS/brokers/{NODE}/sysdescr", b"A broker"),
    }


def test_heartbeat_and_numbers_come_in_their_intervals() -> None:
    room = Told()
    ear = listen(room, "$SYS/brokers/+/#")
    ear.read()
    room.after(29)
    assert heard(ear) == {}
    room.after(1)
    first = heard(ear)
    assert first["uptime"] == b"30000" and first["datetime"].startswith(b"2027-01-15T")
    assert set(first) == {"uptime", "datetime"}
    room.broker.options.sys_topics.sys_heartbeat_interval = None
    room.after(30)
    numbers = heard(ear)
    assert numbers["stats/connections/count"] == numbers["stats/live_connections/max"] == b"1"
    assert numbers["metrics/packets/connect/received"] == b"1"
    assert {f"metrics/{name.replace('.', '/')}" for name in METRICS} < set(numbers)
    room.broker.options.sys_topics.sys_msg_interval = None
    room.after(600)
    assert heard(ear) == {}


def test_wildcards_at_the_root_hear_nothing() -> None:
    room = Told()
    ears = [room.subscriber("all", "#"), room.subscriber("some", "+/brokers/#")]
    room.after(60)
    assert [heard(ear) for ear in ears] == [{}, {}]


def test_nothing_is_made_when_nobody_subscribes() -> None:
    room = Told()

    def made() -> bytes:
        raise AssertionError("nobody asked for it")

    assert not room.outlet.is_wanted("uptime")
    room.outlet.say("uptime", made)
    room.after(60)
    room.enter("one").lose()
    assert room.broker.count["messages.dropped.no_subscribers"] == 0
    assert not room.broker.routes.cache


def test_clients_that_come_and_go() -> None:
    room = Told()
    ear = listen(room, f"$SYS/brokers/{NODE}/clients/#")
    ear.read()
    end = room.enter("dev/1", 4, Identity(3, "ann"), keepalive=60)
    end.link.client.username = "ann"
    told = heard(ear)
    assert json.loads(told["clients/dev/1/connected"]) == {
        "clientid": "dev/1",
        "username": None,
        "ipaddress": "127.0.0.1",
        "sockport": 4711,
        "protocol": "mqtt",
        "proto_name": "MQTT",
        "proto_ver": 4,
        "keepalive": 60,
        "clean_start": True,
        "expiry_interval": 0,
        "connected_at": MILLISECONDS,
        "ts": MILLISECONDS,
    }
    room.clock.now += 1.5
    end.send(mqtt.Disconnect())
    assert json.loads(heard(ear)["clients/dev/1/disconnected"]) == {
        "clientid": "dev/1",
        "username": "ann",
        "ipaddress": "127.0.0.1",
        "sockport": 4711,
        "protocol": "mqtt",
        "proto_name": "MQTT",
        "proto_ver": 4,
        "connected_at": MILLISECONDS,
        "disconnected_at": MILLISECONDS + 1500,
        "reason": "normal",
        "ts": MILLISECONDS + 1500,
    }
    events = room.broker.options.sys_topics.sys_event_messages
    events.client_connected = events.client_disconnected = False
    room.enter("two").lose()
    assert heard(ear) == {}


def test_subscriptions_are_told_when_the_operator_wants_it() -> None:
    room = Told()
    ear = listen(room, "$SYS/brokers/#")
    ear.read()
    end = room.subscriber("dev", "a/#", 1)
    assert set(heard(ear)) == {"clients/dev/connected"}
    events = room.broker.options.sys_topics.sys_event_messages
    events.client_subscribed = events.client_unsubscribed = True
    end.send(mqtt.Subscribe(2, [mqtt.Filter("b", 2, True, True, 1)]), mqtt.Unsubscribe(3, ["b"]))
    told = heard(ear)
    common = {"clientid": "dev", "username": None, "protocol": "mqtt", "topic": "b", "ts": MILLISECONDS}
    assert json.loads(told["clients/dev/unsubscribed"]) == common
    assert json.loads(told["clients/dev/subscribed"]) == {**common, "subopts": {"qos": 2, "nl": 1, "rap": 1, "rh": 1}}


def test_what_stands_comes_back_when_it_was_deleted() -> None:
    room = Told()
    room.broker.retained.drop("$SYS/brokers")
    assert room.broker.retained.find("$SYS/brokers", room.clock.now) is None
    room.after(60)
    assert room.broker.retained.find("$SYS/brokers", room.clock.now) is not None


def test_topics_of_clients_do_not_push_out_others() -> None:
    room = Told()
    ear = listen(room, "$SYS/brokers/#")
    ear.read()
    for at in range(3):
        room.enter(f"c{at}").lose()
    assert len(heard(ear)) == 6
    assert not room.broker.routes.cache
