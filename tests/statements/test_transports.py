"""Chapters 4.2, 4.13, 6 and 7 over real sockets: TCP and WebSocket, closing, and failures of our own."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import websockets.sync.client as ws
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from folkmoot.domain.broker import Broker, Client, OpenGate, Verdict, Wish
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Filter, Publish, Subscribe

from ..surfaces.mqtt.serving import DEADLINE_SECONDS, Served, serve
from . import V5, states
from .speaking import connect, field, frame, none

MQTT = Subprotocol("mqtt")


class _Broken(OpenGate):
    """Fails for what is published to `broken`."""

    def judge(self, client: Client, wish: Wish) -> Verdict:
        if wish.topic == "broken":
            raise RuntimeError("broken on purpose")
        return Verdict.ALLOW


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(Broker(gate=_Broken())) as running:
        yield running


def until_closed(sock: socket.socket) -> bytes:
    """Everything up to the end, which has to come from the other side."""
    sock.settimeout(DEADLINE_SECONDS)
    data = b""
    while chunk := sock.recv(65_536):
        data += chunk
    return data


def exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def connack(version: int) -> int:
    """How long a CONNACK is."""
    return 24 if version == V5 else 4


@states(v5="MQTT-4.2.0-1", v3="MQTT-7.1.1-1 MQTT-7.0.0-2")
def test_a_stream_of_bytes_in_any_pieces(served: Served, version: int) -> None:
    packets = [Publish("a/b", b"%d" % number * 500) for number in range(20)]
    data = b"".join(mqtt.encode(packet, version) for packet in packets)
    with served.connect() as sock:
        sock.sendall(connect(version, b"tcp"))
        exactly(sock, connack(version))
        sock.sendall(mqtt.encode(Subscribe(1, [Filter("a/#")]), version))
        exactly(sock, 6 if version == V5 else 5)
        for at in range(0, len(data), 777):
            sock.sendall(data[at : at + 777])
        assert exactly(sock, len(data)) == data
        sock.sendall(b"\xe0\0")
        assert until_closed(sock) == b""


#: What is sent behind a good CONNECT, what MQTT 5 is told for it, whatever the socket does.
CLOSING = {
    "malformed": (b"\0\0", b"\xe0\1\x81"),
    "a protocol error": (b"\x82\2\0\1", b"\xe0\1\x82"),
    "too large": (b"\x30\xff\xff\xff\x7f", b"\xe0\1\x95"),
    "DISCONNECT": (b"\xe0\0", b""),
}


@states(v5="MQTT-4.13.1-1 MQTT-4.13.2-1 MQTT-3.14.4-2 MQTT-3.14.4-1", v3="MQTT-4.8.0-1")
@pytest.mark.parametrize("why", CLOSING)
def test_the_socket_is_closed(served: Served, version: int, why: str) -> None:
    data, told = CLOSING[why]
    if why == "a protocol error" and version == V5:
        data = b"\x82\3\0\1\0"
    with served.connect() as sock:
        sock.sendall(connect(version, b"closing") + data + mqtt.PINGREQ)
        answer = until_closed(sock)
    assert answer[: connack(version)][0] == 0x20
    assert answer[connack(version) :] == (told if version == V5 else b"")


@states("MQTT-3.1.0-1 MQTT-3.1.4-1 MQTT-3.1.2-1", v5="MQTT-3.2.2-7", v3="MQTT-3.2.2-5 MQTT-3.2.2-6")
def test_the_socket_is_closed_for_who_is_not_let_in(served: Served, version: int) -> None:
    answers = {
        mqtt.PINGREQ: b"",
        frame(0x30, field(b"a"), none(version)): b"",
        connect(version, b"me", flags=3): b"\x20\3\0\x81\0" if version == V5 else b"",
        connect(version, b"me", name=b"NOTMQTT"): b"\x20\2\0\1",
        connect(version, b"me", b"nobody", flags=0x82): b"\x20\3\0\x86\0" if version == V5 else b"\x20\2\0\4",
        connect(version, b"me", b"banned", flags=0x82): b"\x20\3\0\x87\0" if version == V5 else b"\x20\2\0\5",
    }
    for data, answer in answers.items():
        with served.connect() as sock:
            # What follows is not looked at.
            sock.sendall(data + frame(0x31, field(b"kept"), none(version), b"x"))
            assert until_closed(sock) == answer
    assert not served.broker.retained.messages


@states(v5="MQTT-3.1.4-3", v3="MQTT-3.1.4-2")
def test_the_socket_of_the_older_connection_is_closed(served: Served, version: int) -> None:
    with served.connect() as old, served.connect() as new:
        old.sendall(connect(version, b"twice"))
        exactly(old, connack(version))
        new.sendall(connect(version, b"twice") + mqtt.PINGREQ)
        assert until_closed(old) == (b"\xe0\1\x8e" if version == V5 else b"")
        assert exactly(new, connack(version) + 2)[-2:] == mqtt.PINGRESP


@states(v3="MQTT-4.8.0-2", v5="MQTT-4.13.2-1")
def test_a_failure_of_our_own_closes(served: Served, version: int) -> None:
    with served.connect() as sock:
        sock.sendall(connect(version, b"me"))
        exactly(sock, connack(version))
        sock.sendall(mqtt.encode(Publish("broken", b"x", 1, packet_id=1), version) + mqtt.PINGREQ)
        assert until_closed(sock) == (b"\xe0\1\x83" if version == V5 else b"")


# --- WebSocket --------------------------------------------------------------------------------------------------------


def dial(served: Served, *subprotocols: str) -> ws.ClientConnection:
    offered = [Subprotocol(name) for name in subprotocols]
    return ws.connect(f"ws://127.0.0.1:{served.ws_port}/mqtt", subprotocols=offered)


@states("MQTT-6.0.0-1")
@pytest.mark.parametrize("first", [False, True])
def test_a_frame_that_is_not_binary_closes(served: Served, version: int, first: bool) -> None:
    with dial(served, "mqtt") as connection:
        if not first:
            connection.send(connect(version, b"ws"))
            answer = connection.recv(DEADLINE_SECONDS)
            # Ours are binary as well.
            assert isinstance(answer, bytes)
            assert answer[0] == 0x20
        connection.send("\xc0\0")
        with pytest.raises(ConnectionClosed):
            connection.recv(DEADLINE_SECONDS)


@states("MQTT-6.0.0-2", v5="MQTT-4.2.0-1", v3="MQTT-7.1.1-1")
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_are_no_packets(served: Served, version: int, size: int) -> None:
    packets = [Publish("ws/a", b"%d" % number) for number in range(9)]
    data = connect(version, b"ws") + mqtt.encode(Subscribe(1, [Filter("ws/#")]), version)
    data += b"".join(mqtt.encode(packet, version) for packet in packets)
    with dial(served, "mqtt") as connection:
        for at in range(0, len(data), size):
            connection.send(data[at : at + size])
        wanted = b"".join(mqtt.encode(packet, version) for packet in packets)
        got = b""
        while len(got) < connack(version) + (6 if version == V5 else 5) + len(wanted):
            chunk = connection.recv(DEADLINE_SECONDS)
            assert isinstance(chunk, bytes)
            got += chunk
    assert got.endswith(wanted)


@states("MQTT-6.0.0-4")
@pytest.mark.parametrize("offered", [["mqtt"], ["chat", "mqtt"], ["mqtt-v3.1.1", "mqtt"], ["mqttv3.1", "mqtt"]])
def test_mqtt_is_what_is_chosen(served: Served, version: int, offered: list[str]) -> None:
    with dial(served, *offered) as connection:
        assert connection.subprotocol == "mqtt"
        connection.send(connect(version, b"ws"))
        assert bytes(connection.recv(DEADLINE_SECONDS))[0] == 0x20  # type: ignore[arg-type]


@states("MQTT-6.0.0-4")
@pytest.mark.parametrize("offered", [[], ["chat"], ["MQTT"]])
def test_without_mqtt_nothing_is_chosen(served: Served, version: int, offered: list[str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        dial(served, *offered)
    assert refused.value.response.status_code == 400
    assert "sec-websocket-protocol" not in refused.value.response.headers
