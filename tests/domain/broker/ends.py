"""A broker and clients joined by nothing but bytes in memory, for tests without sockets."""

from __future__ import annotations

from folkmoot.domain.broker import Broker, Identity, Link
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Ack, Kind, Packet, Publish

ALICE = Identity(1, "alice")
BOB = Identity(2, "bob")
START = 1_800_000_000.0
#: A session expiry that never comes.
END_OF_TIME = 0xFFFFFFFF


class Clock:
    """The broker's time, moved by hand."""

    def __init__(self) -> None:
        self.now = START


class End:
    """A client's end of a connection: sends packets, and holds what has come."""

    def __init__(self, broker: Broker, clock: Clock, version: int = 5) -> None:
        self.broker = broker
        self.clock = clock
        self.version = version
        self.link: Link = broker.open(clock.now, "127.0.0.1", 4711)
        self._unread = b""

    def send(self, *packets: Packet) -> None:
        """Gives packets to the broker as one chunk."""
        self.send_bytes(b"".join(mqtt.encode(packet, self.version) for packet in packets))

    def send_bytes(self, data: bytes) -> None:
        """Gives bytes to the broker."""
        self.link.feed(data, self.clock.now)

    def read(self) -> list[Packet]:
        """Takes all packets that have come since the last time, as a socket with room for all would."""
        packets: list[Packet] = []
        while self.link.out:
            self._unread += self.link.take_output()
            self.link.room = self.broker.limits.output_bytes
            self.broker.pump(self.link, self.clock.now)
        pos = 0
        while pos < len(self._unread):
            packet, pos = mqtt.parse(self._unread, self.version, pos)
            packets.append(packet)
        self._unread = b""
        return packets

    def read_one(self) -> Packet:
        """The one packet that has come."""
        packets = self.read()
        assert len(packets) == 1, packets
        return packets[0]

    def lose(self) -> None:
        """The connection breaks."""
        self.broker.lost(self.link, self.clock.now)


class Room:
    """A broker with its clock, and clients that come in."""

    def __init__(self, broker: Broker | None = None) -> None:
        self.broker = broker or Broker()
        self.clock = Clock()

    def enter(
        self,
        client_id: str,
        version: int = 5,
        identity: Identity = ALICE,
        clean: bool = True,
        will: mqtt.Will | None = None,
        keepalive: int = 0,
        **properties: mqtt.PropertyValue,
    ) -> End:
        """A connected client; `properties` are those of CONNECT by their names in lower case."""
        end = self.knock(client_id, version, clean, will, keepalive, **properties)
        end.link.accept(identity, self.clock.now)
        answer = end.read()[0]
        assert isinstance(answer, mqtt.Connack), answer
        assert answer.code == 0
        end.connack = answer  # type: ignore[attr-defined]
        return end

    def knock(
        self,
        client_id: str,
        version: int = 5,
        clean: bool = True,
        will: mqtt.Will | None = None,
        keepalive: int = 0,
        **properties: mqtt.PropertyValue,
    ) -> End:
        """A client that has sent CONNECT and waits."""
        end = End(self.broker, self.clock, version)
        named = {mqtt.Prop[name.upper()]: value for name, value in properties.items()}
        end.send(mqtt.Connect(version, client_id, clean, keepalive, will=will, properties=named))
        return end

    def subscriber(self, client_id: str, topic_filter: str, qos: int = 0, version: int = 5, **options: object) -> End:
        """A connected client with one subscription."""
        end = self.enter(client_id, version)
        end.send(mqtt.Subscribe(1, [mqtt.Filter(topic_filter, qos, **options)]))  # type: ignore[arg-type]
        assert end.read()[0] == mqtt.Suback(1, [qos])
        return end

    def wait(self, seconds: float) -> None:
        """Lets time pass, with a tick at its end."""
        self.clock.now += seconds
        self.broker.tick(self.clock.now)


def published(end: End) -> list[tuple[str, bytes, int]]:
    """Topic, payload and QoS of what has come, acknowledged by the client."""
    found = []
    for packet in end.read():
        assert isinstance(packet, Publish), packet
        found.append((packet.topic, packet.payload, packet.qos))
        if packet.qos == 1:
            end.send(Ack(Kind.PUBACK, packet.packet_id))
    return found


def payloads(end: End) -> list[bytes]:
    return [payload for _, payload, _ in published(end)]
