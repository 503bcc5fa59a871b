"""paho-mqtt with the whole program: every version through every listener, and the features of MQTT 5."""

from __future__ import annotations

import queue
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.clients.conftest import authority
from tests.whole.program import Program, until

SECONDS = 10.0
#: Listener → how paho speaks to it.
DOORS: dict[str, Any] = {"mqtt": "tcp", "mqtt_ws": "websockets", "mqtt_tls": "tcp", "mqtt_wss": "websockets"}
VERSIONS = (paho.MQTTv31, paho.MQTTv311, paho.MQTTv5)


class Client:
    """A paho client in a thread of its own, with what happens to it in queues."""

    def __init__(
        self,
        program: Program,
        name: str = "",
        version: paho.MQTTProtocolVersion = paho.MQTTv5,
        door: str = "mqtt",
        *,
        clean: bool = True,
        will: tuple[str, bytes, int, bool] | None = None,
        will_properties: Properties | None = None,
        **properties: Any,
    ) -> None:
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.ended: queue.Queue[Any] = queue.Queue()
        self._connected: queue.Queue[tuple[Any, Any, Any]] = queue.Queue()
        self._answers: queue.Queue[list[int]] = queue.Queue()
        older = {} if version == paho.MQTTv5 else {"clean_session": clean}
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2, name or uuid4().hex[:20], protocol=version, transport=DOORS[door],
            reconnect_on_failure=False, **older,
        )  # fmt: skip
        if "tls" in door or "wss" in door:
            self.paho.tls_set(str(authority(program)))
        if will is not None:
            self.paho.will_set(*will, properties=will_properties)
        self.paho.on_connect = lambda _c, _u, flags, reason, found: self._connected.put((flags, reason, found))
        self.paho.on_subscribe = lambda _c, _u, _m, reasons, _p: self._answers.put([each.value for each in reasons])
        self.paho.on_unsubscribe = lambda _c, _u, _m, reasons, _p: self._answers.put([each.value for each in reasons])
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_disconnect = lambda _c, _u, _f, reason, _p: self.ended.put(reason)
        newer = (
            {"clean_start": clean, "properties": made(PacketTypes.CONNECT, **properties)}
            if version == paho.MQTTv5
            else {}
        )
        self.paho.connect("localhost" if "s" in door[4:] else "127.0.0.1", program.port(door), **newer)
        self.paho.loop_start()
        self.flags, self.reason, self.properties = self._connected.get(timeout=SECONDS)

    def subscribe(self, *args: Any, **options: Any) -> list[int]:
        self.paho.subscribe(*args, **options)
        return self._answers.get(timeout=SECONDS)

    def unsubscribe(self, *args: Any) -> list[int]:
        self.paho.unsubscribe(*args)
        return self._answers.get(timeout=SECONDS)

    def publish(self, topic: str, payload: bytes | str, qos: int = 1, retain: bool = False, **properties: Any) -> None:
        """Publish, and wait until the broker has it."""
        given = made(PacketTypes.PUBLISH, **properties) if properties else None
        self.paho.publish(topic, payload, qos, retain, given).wait_for_publish(SECONDS)

    def receive(self) -> paho.MQTTMessage:
        return self.messages.get(timeout=SECONDS)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def cut(self) -> None:
        """End without a DISCONNECT."""
        connection: Any = self.paho.socket()
        connection = getattr(connection, "_socket", connection)
        connection.shutdown(socket.SHUT_RDWR)
        self.paho.loop_stop()


def made(kind: int, **properties: Any) -> Properties:
    """The properties of a packet."""
    found = Properties(kind)
    for name, value in properties.items():
        setattr(found, name, value)
    return found


@pytest.fixture
def client(program: Program) -> Iterator[Callable[..., Client]]:
    """Makes connected clients that are gone at the end."""
    clients: list[Client] = []

    def make(*args: Any, **options: Any) -> Client:
        clients.append(Client(program, *args, **options))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


Make = Callable[..., Client]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_ordinary_day(client: Make, version: int, door: str) -> None:
    """Every quality both ways, retained messages, several filters, unsubscribing, a will."""
    here = f"day/{version}/{door}"
    dies = client("", version, door, will=(f"{here}/will", b"gone", 1, False))
    source, sink = client("", version, door), client("", version, door)
    source.publish(f"{here}/kept", "old", 1, retain=True)
    assert sink.subscribe([(f"{here}/+", 2), (f"{here}/a/#", 1)]) == [2, 1]
    kept = sink.receive()
    assert (kept.topic, kept.payload, kept.retain, kept.qos) == (f"{here}/kept", b"old", True, 1)
    for qos in (0, 1, 2):
        for number in range(20):
            source.publish(f"{here}/x", f"{qos} {number}", qos)
    got = [sink.receive() for _ in range(60)]
    for qos in (0, 1, 2):
        assert [each.payload.decode() for each in got if each.qos == qos] == [f"{qos} {n}" for n in range(20)]
    large = bytes(range(256)) * 3000
    source.publish(f"{here}/a/large", large, 2)
    arrived = sink.receive()
    assert (arrived.payload, arrived.qos) == (large, 1)
    dies.cut()
    assert sink.receive().payload == b"gone"
    sink.unsubscribe(f"{here}/+")
    source.publish(f"{here}/x", "unheard")
    source.publish(f"{here}/a", "heard")
    assert sink.receive().payload == b"heard"
    source.publish(f"{here}/kept", b"", 1, retain=True)
    late = client("", version, door)
    late.subscribe(f"{here}/#")
    source.publish(f"{here}/last", "last")
    assert late.receive().payload == b"last"


@pytest.mark.parametrize("door", ["mqtt", "mqtt_wss"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_taken_up_again(client: Make, version: int, door: str) -> None:
    name, topic = f"r{version}{door}", f"resume/{version}/{door}"
    lasting = {"SessionExpiryInterval": 600} if version == paho.MQTTv5 else {}
    sink = client(name, version, door, clean=False, **lasting)
    assert not sink.flags.session_present
    sink.subscribe(topic, 2)
    sink.close()
    source = client("", version, door)
    for number in range(30):
        source.publish(topic, str(number), 1 + number % 2)
    sink = client(name, version, door, clean=False, **lasting)
    # 3.1 has no word for it.
    assert sink.flags.session_present == (version > paho.MQTTv31)
    got = [sink.receive() for _ in range(30)]
    for qos in (1, 2):
        assert [int(each.payload) for each in got if each.qos == qos] == list(range(qos - 1, 30, 2))
    sink.close()
    assert not client(name, version, door).flags.session_present


def test_one_takes_the_place_of_another(client: Make) -> None:
    first = client("twice")
    client("twice")
    assert first.ended.get(timeout=SECONDS).value == 0x8E


def test_a_name_is_given_to_who_has_none(program: Program) -> None:
    nameless = paho.Client(CallbackAPIVersion.VERSION2, "", protocol=paho.MQTTv5, reconnect_on_failure=False)
    found: queue.Queue[Any] = queue.Queue()
    nameless.on_connect = lambda _c, _u, _f, reason, properties: found.put((reason, properties))
    nameless.connect("127.0.0.1", program.port("mqtt"))
    nameless.loop_start()
    reason, properties = found.get(timeout=SECONDS)
    assert reason == 0 and properties.AssignedClientIdentifier
    nameless.disconnect()
    nameless.loop_stop()


def test_properties_arrive_as_they_were_sent(client: Make) -> None:
    sink, source = client(), client()
    sink.subscribe("properties", 1)
    sent: dict[str, Any] = {
        "UserProperty": [("k", "v"), ("k", "w"), ("ä", "ö")],
        "ResponseTopic": "reply/here",
        "CorrelationData": b"\0\1\2",
        "ContentType": "text/plain",
        "PayloadFormatIndicator": 1,
        "MessageExpiryInterval": 100,
    }
    source.publish("properties", "x", **sent)
    got = sink.receive().properties
    assert got is not None and 95 <= got.MessageExpiryInterval <= 100
    assert {name: getattr(got, name) for name in sent if name != "MessageExpiryInterval"} == {
        name: value for name, value in sent.items() if name != "MessageExpiryInterval"
    }


def test_requests_and_responses(client: Make) -> None:
    asking, answering = client(), client()
    answering.subscribe("ask/double", 1)
    asking.subscribe("answers/me", 1)
    for number in range(5):
        asking.publish("ask/double", str(number), ResponseTopic="answers/me", CorrelationData=bytes([number]))
        asked = answering.receive()
        assert asked.properties is not None
        answering.publish(
            asked.properties.ResponseTopic,
            str(2 * int(asked.payload)),
            CorrelationData=asked.properties.CorrelationData,
        )
    got = [asking.receive() for _ in range(5)]
    assert [(each.properties.CorrelationData, each.payload) for each in got if each.properties] == [
        (bytes([number]), str(2 * number).encode()) for number in range(5)
    ]


def test_topic_aliases_both_ways(client: Make) -> None:
    sink, source = client(TopicAliasMaximum=10), client()
    assert source.properties.TopicAliasMaximum > 0
    sink.subscribe("alias/#", 1)
    source.publish("alias/one", "1", TopicAlias=1)
    source.publish("alias/two", "2", TopicAlias=2)
    # paho wants a topic or an alias; without the first the second stands for it
    source.publish("", "3", TopicAlias=1)
    source.publish("", "4", 2, TopicAlias=2)
    got = [sink.receive() for _ in range(4)]
    # paho does not look up aliases it receives: the broker's first use names the topic, later ones only the alias
    names: dict[int, str] = {}
    for each in got:
        alias = getattr(each.properties, "TopicAlias", None)
        if alias is not None and each.topic:
            names[alias] = each.topic
    heard = [(each.topic or names[each.properties.TopicAlias], each.payload) for each in got]  # type: ignore[union-attr]
    assert heard == [("alias/one", b"1"), ("alias/two", b"2"), ("alias/one", b"3"), ("alias/two", b"4")]


def test_subscription_identifiers_and_options(client: Make) -> None:
    one, other = client(), client()
    other.publish("options/kept", "kept", retain=True)
    number = made(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=7)
    wanted = SubscribeOptions(1, noLocal=True, retainAsPublished=True, retainHandling=2)
    assert one.subscribe("options/#", options=wanted, properties=number) == [1]
    assert one.subscribe("options/kept", options=SubscribeOptions(2, retainHandling=1)) == [2]
    kept = one.receive()
    assert kept.payload == b"kept" and kept.retain and not hasattr(kept.properties, "SubscriptionIdentifier")
    one.publish("options/mine", "mine")
    other.publish("options/theirs", "theirs", retain=True)
    got = one.receive()
    assert (got.payload, got.retain) == (b"theirs", True)
    assert got.properties is not None and got.properties.SubscriptionIdentifier == [7]
    assert one.unsubscribe("options/#") == [0]
    assert one.unsubscribe("options/#") == [0x11]


def test_shared_subscriptions_divide_the_work(client: Make) -> None:
    workers = [client() for _ in range(3)]
    for each in workers:
        assert each.subscribe("$share/workers/jobs/#", 1) == [1]
    watching, source = client(), client()
    watching.subscribe("jobs/#", 1)
    for number in range(90):
        source.publish(f"jobs/{number % 3}", str(number))
    assert [int(watching.receive().payload) for _ in range(90)] == list(range(90))
    until(lambda: sum(each.messages.qsize() for each in workers) == 90, SECONDS, "all jobs")
    done = Counter(int(each.receive().payload) for each in workers for _ in range(each.messages.qsize()))
    assert done == Counter(range(90))


def test_no_more_than_the_receive_maximum_is_under_way(client: Make) -> None:
    sink, source = client(ReceiveMaximum=3), client()
    sink.paho.manual_ack_set(True)
    sink.subscribe("flow", 2)
    for number in range(10):
        source.publish("flow", str(number), 1)
    got = [sink.receive() for _ in range(3)]
    # A message that is answered at once comes behind whatever else were on its way.
    source.publish("flow", "now", 0)
    until(lambda: not sink.messages.empty(), SECONDS, "the one without an acknowledgement")
    assert sink.receive().payload == b"now" and sink.messages.empty()
    while len(got) < 10:
        sink.paho.ack(got[len(got) - 3].mid, 1)
        got.append(sink.receive())
    assert [int(each.payload) for each in got] == list(range(10))


def test_what_is_too_large_for_a_client_does_not_come(client: Make) -> None:
    sink, source = client(MaximumPacketSize=100), client()
    sink.subscribe("large", 1)
    source.publish("large", b"x" * 200)
    source.publish("large", b"y" * 20)
    assert sink.receive().payload == b"y" * 20


def test_wills_with_properties_and_delay(client: Make) -> None:
    sink = client()
    sink.subscribe("wills/#", 1)
    given = made(PacketTypes.WILLMESSAGE, WillDelayInterval=600, UserProperty=[("why", "cut")])
    kept = made(PacketTypes.WILLMESSAGE, UserProperty=[("why", "cut")], ContentType="text/plain")
    back = client("late", will=("wills/late", b"never", 1, False), will_properties=given, SessionExpiryInterval=600)
    back.cut()
    # Who is back in time leaves no will.
    client("late", clean=False, SessionExpiryInterval=600).close()
    client("now", will=("wills/now", b"now", 1, True), will_properties=kept).cut()
    got = sink.receive()
    assert (got.topic, got.payload) == ("wills/now", b"now")
    assert got.properties is not None and got.properties.UserProperty == [("why", "cut")]
    assert got.properties.ContentType == "text/plain"
    sink.publish("wills/now", b"", retain=True)


def test_reasons_are_told(program: Program, client: Make) -> None:
    answers: queue.Queue[Any] = queue.Queue()
    refused = paho.Client(CallbackAPIVersion.VERSION2, "who", protocol=paho.MQTTv5, reconnect_on_failure=False)
    refused.username_pw_set("ada", "wrong")
    refused.on_connect = lambda _c, _u, _f, reason, _p: answers.put(reason.value)
    refused.connect("127.0.0.1", program.port("mqtt"))
    refused.loop_start()
    assert answers.get(timeout=SECONDS) in (0x86, 0x87)
    refused.loop_stop()
    one = client()
    one.paho.on_publish = lambda _c, _u, _m, reason, _p: answers.put(reason.value)
    one.publish("nobody/listens", "x", 1)
    # That of PUBCOMP.
    one.publish("nobody/listens", "x", 2)
    one.publish("spaces/town_square/elsewhere", "not a topic of spaces", 1)
    assert [answers.get(timeout=SECONDS) for _ in range(3)] == [0x10, 0, 0x87]
