"""The engine on a broker in memory: what each event tells, with exactly the columns of contract §2.13, and what rules do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from folkmoot.domain.broker import Alarm, Broker, Client, Identity, Limits, Message, OpenGate, Verdict, Wish
from folkmoot.domain.rules import (
    EVENTS,
    Action,
    Console,
    Engine,
    Entry,
    Outcome,
    Post,
    Reference,
    Republish,
    Rule,
    Settings,
    Settle,
)
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Kind, Prop
from tests.domain.broker.ends import End, Room

NODE = "node@here"
AT = datetime(2026, 1, 1, tzinfo=UTC)
ALWAYS = "event timestamp node"


class Recorder:
    """Actions that write down what they were given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        self.outcome = Outcome.SUCCESS

    def knows(self, action_id: str) -> bool:
        return True

    def run(self, action_id: str, columns: Mapping[str, Any], trail: tuple[str, ...], settle: Settle) -> None:
        self.given.append((action_id, dict(columns), trail))
        settle(self.outcome)


class World:
    """A broker, an engine on it, and what its rules have selected."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.room = Room(Broker(limits=limits))
        self.clock, self.broker = self.room.clock, self.room.broker
        self.engine = Engine(self.broker, NODE, lambda: self.clock.now)
        self.recorder = self.engine.actions = Recorder()
        self.woken = 0
        self.engine.wake = self._wake

    def _wake(self) -> None:
        self.woken += 1

    def rule(self, sql: str, *actions: Action, rule_id: str = "r", enable: bool = True) -> None:
        found = actions or (Reference("test:one"),)
        self.engine.put(Rule(rule_id, "", sql, found, enable, "", 1, "admin", {}, AT, AT))

    def publish(self, topic: str, payload: bytes = b"1", qos: int = 0) -> None:
        self.broker.publish(Message(topic, payload, qos, published_at=self.clock.now), self.clock.now)

    def selected(self) -> list[dict[str, Any]]:
        self.engine.work()
        found = [columns for _, columns, _ in self.recorder.given]
        self.recorder.given.clear()
        return found


MESSAGE = f"id payload peerhost peername topic qos flags pub_props publish_received_at clientid username {ALWAYS}"
CONNECTION = f"clientid username peername sockname proto_name proto_ver connected_at {ALWAYS}"
DELIVERY = f"{MESSAGE} from_clientid from_username"
SAID = [("why", "because")]
TOLD_PROPS = {"User-Property": {"why": "because"}}


def connect(world: World) -> None:
    world.room.enter("c")


def disconnect(world: World) -> None:
    world.room.enter("c").send(mqtt.Disconnect(properties={Prop.REASON_STRING: "off to bed", Prop.USER_PROPERTY: SAID}))


def subscribe(world: World) -> None:
    end = world.room.enter("c")
    end.send(mqtt.Subscribe(1, [mqtt.Filter("t", 1)], {Prop.SUBSCRIPTION_ID: [7], Prop.USER_PROPERTY: SAID}))


def unsubscribe(world: World) -> None:
    end = world.room.enter("c")
    end.send(mqtt.Subscribe(1, [mqtt.Filter("t", 1)]), mqtt.Unsubscribe(2, ["t"], {Prop.USER_PROPERTY: SAID}))


def deliver(world: World) -> None:
    end = world.room.enter("c")
    end.send(mqtt.Subscribe(1, [mqtt.Filter("t", 1)]))
    world.room.enter("p").send(mqtt.Publish("t", b"x", 1, packet_id=1))


def acknowledge(world: World) -> None:
    end = world.room.enter("c")
    end.send(mqtt.Subscribe(1, [mqtt.Filter("t", 1)]))
    world.room.enter("p").send(mqtt.Publish("t", b"x", 1, packet_id=1))
    end.send(mqtt.Ack(Kind.PUBACK, 1, properties={Prop.USER_PROPERTY: SAID}))


def lose(world: World) -> None:
    world.room.enter("p").send(mqtt.Publish("t", b"x", 1, packet_id=1))


def drop(world: World) -> None:
    end = world.room.enter("c", receive_maximum=1)
    end.send(mqtt.Subscribe(1, [mqtt.Filter("t", 1)]))
    writer = world.room.enter("p")
    for packet_id in range(1, 4):
        writer.send(mqtt.Publish("t", b"x", 1, packet_id=packet_id))


def judge(world: World) -> None:
    happenings = world.broker.happenings
    client = Client(client_id="c", username="ann", address="127.0.0.1", port=1)
    happenings.tell(happenings.judged, client, Wish("publish", "t"), Verdict.DENY, "file", world.clock.now)


def authenticate(world: World) -> None:
    happenings = world.broker.happenings
    client = Client(client_id="c", username="ann", address="127.0.0.1", port=1)
    happenings.tell(happenings.authenticated, client, "success", world.clock.now)


def alarm(world: World) -> None:
    happenings = world.broker.happenings
    found = Alarm("a", "m", {"k": 1}, world.clock.now)
    happenings.tell(happenings.alarm_activated, found, world.clock.now)
    happenings.tell(happenings.alarm_deactivated, found, world.clock.now)


TOLD: dict[str, tuple[Callable[[World], None], str, dict[str, Any]]] = {
    "$events/client_connected": (
        connect,
        f"{CONNECTION} mountpoint keepalive clean_start expiry_interval is_bridge conn_props client_attrs",
        {
            "clientid": "c",
            "proto_name": "MQTT",
            "proto_ver": 5,
            "peername": "127.0.0.1:4711",
            "event": "client.connected",
        },
    ),
    "$events/client_disconnected": (
        disconnect,
        f"{CONNECTION} reason disconn_props disconnected_at client_attrs",
        {
            "clientid": "c",
            "reason": "normal",
            "event": "client.disconnected",
            "disconn_props": {"Reason-String": "off to bed", **TOLD_PROPS},
        },
    ),
    "$events/client_connack": (
        connect,
        f"{CONNECTION} reason_code keepalive clean_start expiry_interval conn_props",
        {"clientid": "c", "reason_code": "success", "event": "client.connack"},
    ),
    "$events/client_check_authz_complete": (
        judge,
        f"clientid username peerhost peername topic action authz_source result client_attrs {ALWAYS}",
        {"username": "ann", "action": "publish", "authz_source": "file", "result": "deny"},
    ),
    "$events/client_check_authn_complete": (
        authenticate,
        f"clientid username peername reason_code is_superuser is_anonymous client_attrs {ALWAYS}",
        {"reason_code": "success", "is_superuser": False, "is_anonymous": False},
    ),
    "$events/session_subscribed": (
        subscribe,
        f"clientid username peerhost peername topic qos sub_props client_attrs {ALWAYS}",
        {"topic": "t", "qos": 1, "sub_props": {"Subscription-Identifier": 7, **TOLD_PROPS}, "peerhost": "127.0.0.1"},
    ),
    "$events/session_unsubscribed": (
        unsubscribe,
        f"clientid username peerhost peername topic qos unsub_props client_attrs {ALWAYS}",
        {"topic": "t", "event": "session.unsubscribed", "unsub_props": TOLD_PROPS},
    ),
    "$events/message_delivered": (
        deliver,
        DELIVERY,
        {"clientid": "c", "from_clientid": "p", "qos": 1, "payload": "x", "event": "message.delivered"},
    ),
    "$events/message_acked": (
        acknowledge,
        f"{DELIVERY} puback_props",
        {"clientid": "c", "from_clientid": "p", "puback_props": TOLD_PROPS},
    ),
    "$events/message_dropped": (lose, f"{MESSAGE} reason", {"reason": "no_subscribers", "clientid": "p", "topic": "t"}),
    "$events/delivery_dropped": (drop, f"{DELIVERY} reason", {"reason": "queue_full", "clientid": "c"}),
    "$events/sys/alarm_activated": (
        alarm,
        f"name details message activated_at {ALWAYS}",
        {"name": "a", "details": {"k": 1}, "event": "alarm.activated"},
    ),
    "$events/sys/alarm_deactivated": (
        alarm,
        f"name details message activated_at deactivated_at {ALWAYS}",
        {"name": "a", "event": "alarm.deactivated"},
    ),
}


@pytest.mark.parametrize("topic", TOLD)
def test_an_event(topic: str) -> None:
    happen, names, values = TOLD[topic]
    world = World(Limits(max_mqueue_len=1))
    world.rule(f'SELECT * FROM "{topic}"')
    happen(world)
    found = world.selected()
    assert len(found) == 1
    assert set(found[0]) == set(names.split())
    assert {name: found[0][name] for name in values} == values
    assert (found[0]["node"], found[0]["timestamp"]) == (NODE, round(world.clock.now * 1000))
    assert world.woken


def test_a_bridge_is_known_as_one() -> None:
    world = World(Limits())
    world.rule('SELECT is_bridge FROM "$events/client_connected"')
    for is_bridge in (True, False):
        end = End(world.broker, world.clock, 4)
        end.send(mqtt.Connect(4, "c", is_bridge=is_bridge))
        end.link.accept(Identity(), world.clock.now)
        assert world.selected() == [{"is_bridge": is_bridge}]


def test_all_events_are_tried_and_nothing_is_heard_without_a_rule() -> None:
    assert set(TOLD) == {each.topic for each in EVENTS}
    for happen, _, _ in TOLD.values():
        world = World(Limits(max_mqueue_len=1))
        world.rule('SELECT * FROM "$events/client_connected"')
        world.rule('SELECT * FROM "$events/client_connected"', enable=False)
        happen(world)
        assert not world.selected()
        assert not world.broker.happenings.hears_deliveries


def test_a_message() -> None:
    world = World()
    world.rule('SELECT * FROM "t/#"')
    properties: mqtt.Properties = {Prop.USER_PROPERTY: [("k", "v")], Prop.CONTENT_TYPE: "x", Prop.MESSAGE_EXPIRY: 60}
    world.room.enter("c").send(mqtt.Publish("t/1", b"\xff", 1, True, packet_id=1, properties=properties))
    (found,) = world.selected()
    assert set(found) == {*MESSAGE.split(), "client_attrs"}
    assert found["payload"] == b"\xff"
    assert found["flags"] == {"retain": True, "dup": False, "sys": False}
    assert found["pub_props"] == {"User-Property": {"k": "v"}, "Content-Type": "x", "Message-Expiry-Interval": 60}
    assert (found["qos"], found["clientid"], found["peername"]) == (1, "c", "127.0.0.1:4711")


def test_what_is_below_sys_is_ignored_unless_it_is_wanted() -> None:
    world = World()
    world.rule('SELECT topic FROM "$SYS/#", "$events/message_dropped"')
    world.publish("$SYS/a")
    assert world.selected() == []
    world.engine.change_settings(Settings(ignore_sys_message=False))
    world.publish("$SYS/a")
    assert world.selected() == [{"topic": "$SYS/a"}] * 2


def test_what_a_source_brings() -> None:
    world = World()
    world.rule('SELECT topic, event, payload.v AS v FROM "$bridges/mqtt:up"')
    world.engine.happened("$bridges/mqtt:up", {"topic": "t", "payload": '{"v": 1}'}, world.clock.now)
    world.engine.happened("$bridges/mqtt:other", {"topic": "t"}, world.clock.now)
    world.engine.happened("$bridges/mqtt:up", {"topic": "t"}, world.clock.now, ("r",))
    assert world.selected() == [{"topic": "t", "event": "$bridges/mqtt:up", "v": 1}]
    assert world.engine.rules_on("mqtt:up") == world.engine.rules_of("test:one") == ["r"]


def test_a_message_is_made_of_what_is_selected() -> None:
    world = World()
    action = Republish(
        "out/${clientid}",
        qos="${qos}",
        retain="${flags.retain}",
        payload="<${payload.v}>",
        mqtt_properties={
            "Payload-Format-Indicator": "1",
            "Message-Expiry-Interval": "${expiry}",
            "Content-Type": "${nothing}",
            "Response-Topic": "r/${clientid}",
            "Correlation-Data": "${payload.v}",
        },
        user_properties="${pub_props.'User-Property'}",
    )
    world.rule('SELECT clientid, qos, flags, payload, 60 AS expiry FROM "in"', action)
    reader = world.room.enter("reader")
    reader.send(mqtt.Subscribe(1, [mqtt.Filter("out/#", 2, retain_as_published=True)]))
    reader.read()
    given: mqtt.Properties = {Prop.USER_PROPERTY: [("a", "b")]}
    world.room.enter("c").send(mqtt.Publish("in", b'{"v":7}', 1, True, packet_id=1, properties=given))
    got = reader.read_one()
    assert isinstance(got, mqtt.Publish)
    assert (got.topic, got.payload, got.qos, got.retain) == ("out/c", b"<7>", 1, True)
    assert got.properties == {
        Prop.PAYLOAD_FORMAT: 1,
        Prop.MESSAGE_EXPIRY: 60,
        Prop.RESPONSE_TOPIC: "r/c",
        Prop.CORRELATION_DATA: b"7",
        Prop.USER_PROPERTY: [("a", "b")],
    }


def test_each_item_is_a_message_and_the_original_comes_last() -> None:
    world = World()
    world.rule('FOREACH payload.s AS e DO e AS v FROM "in"', Republish("out", 0, False, "${v}"))
    reader = world.room.enter("reader")
    reader.send(mqtt.Subscribe(1, [mqtt.Filter("#", 0)]))
    reader.read()
    world.publish("in", b'{"s":[1,2]}')
    assert [(each.topic, each.payload) for each in reader.read() if isinstance(each, mqtt.Publish)] == [
        ("out", b"1"),
        ("out", b"2"),
        ("in", b'{"s":[1,2]}'),
    ]


def test_what_is_republished_is_kept_before_the_message_is_acknowledged() -> None:
    world = World()
    world.broker.ledger.durable = True
    world.rule('SELECT * FROM "in"', Republish("out", 1, False))
    reader = world.room.enter("reader", session_expiry=60)
    reader.send(mqtt.Subscribe(1, [mqtt.Filter("out", 1)]))
    world.broker.ledger.committed(world.broker.ledger.take()[0])
    reader.lose()
    writer = world.room.enter("writer")
    world.broker.ledger.committed(world.broker.ledger.take()[0])
    writer.send(mqtt.Publish("in", b"x", 1, packet_id=1))
    assert writer.read() == []
    ticket, changes = world.broker.ledger.take()
    assert [each.topic for each in changes.messages.values() if each is not None] == ["out"]
    world.broker.ledger.committed(ticket)
    assert isinstance(writer.read_one(), mqtt.Ack)


def test_a_direct_message_is_seen_by_no_rule() -> None:
    world = World()
    world.rule('SELECT * FROM "in"', Republish("out", 0, True, direct_dispatch=True))
    world.rule('SELECT topic FROM "out"', rule_id="other")
    world.publish("in")
    assert world.selected() == []
    assert world.broker.retained.find("out", world.clock.now) is None


def test_outcomes_and_trails() -> None:
    world = World()
    world.rule('SELECT topic FROM "in"', Reference("http:x"), Post("s", "${topic}"), Console())
    metrics = world.engine.rules["r"].metrics
    posted: list[tuple[Entry, tuple[str, ...]]] = []

    def make_post(rule: Rule, entry: Entry, trail: tuple[str, ...], settle: Settle) -> None:
        posted.append((entry, trail))
        settle(Outcome.DISCARDED)

    world.engine.make_post = make_post
    world.recorder.outcome = Outcome.OUT_OF_SERVICE
    world.publish("in")
    assert world.recorder.given == [("http:x", {"topic": "in"}, ("r",))]
    assert posted == [(Entry("s", "in", '{"topic":"in"}'), ("r",))]
    found = metrics.figures(world.clock.now)
    assert {name: value for name, value in found.items() if name.startswith("actions")} == {
        "actions.total": 3,
        "actions.success": 1,
        "actions.failed": 1,
        "actions.failed.out_of_service": 1,
        "actions.failed.unknown": 0,
        "actions.discarded": 1,
    }


def test_a_flood_ends() -> None:
    world = World()
    world.rule('FOREACH [1..200] AS i FROM "a"', Republish("b", 0, False, "1"))
    world.rule('FOREACH [1..200] AS i FROM "b"', Republish("c", 0, False, "1"), rule_id="s")
    world.publish("a")
    total = sum(each.metrics.count["actions.total"] for each in world.engine.rules.values())
    assert total == 200 + 200 * 50
    assert sum(each.metrics.count["actions.discarded"] for each in world.engine.rules.values()) > 0


def test_a_rule_on_permissions_does_not_hear_of_its_own() -> None:
    world = World()

    class Telling(OpenGate):
        def judge(self, client: Client, wish: Wish) -> Verdict:
            happenings = world.broker.happenings
            happenings.tell(happenings.judged, client, wish, Verdict.ALLOW, "file", world.clock.now)
            return Verdict.ALLOW

    world.broker.gate = Telling()
    world.rule('SELECT topic FROM "$events/client_check_authz_complete"', Republish("out", 0, False))
    world.room.enter("c").send(mqtt.Publish("t", b"x"))
    for _ in range(3):
        world.engine.work()
    assert world.engine.rules["r"].metrics.count["actions.success"] == 1


def test_what_waits_is_bounded() -> None:
    world = World()
    world.rule('SELECT 1 FROM "$events/message_dropped"')
    for _ in range(10_050):
        world.publish("t")
    assert world.engine.rules["r"].metrics.count["failed.exception"] == 50
    assert len(world.selected()) == 100
    assert world.woken == 2


def test_rates() -> None:
    world = World()
    world.rule('SELECT 1 FROM "t"')
    metrics = world.engine.rules["r"].metrics
    for second in range(10):
        world.clock.now += 1
        for _ in range(second):
            world.publish("t")
    found = metrics.figures(world.clock.now)
    assert (found["matched"], found["matched.rate.max"]) == (45, 7.0)
    assert (found["matched.rate"], found["matched.rate.last5m"]) == (7.0, 5.0)
    assert metrics.figures(world.clock.now + 400)["matched.rate.last5m"] == 0.0
