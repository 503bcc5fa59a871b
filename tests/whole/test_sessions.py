"""MQTT sessions outlive SIGKILL: nothing acknowledged is lost, nothing of QoS 2 comes twice; rounds from FOLKMOOT_TEST_ROUNDS."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from tests.whole.program import Program, until

#: The suite promises twenty; fewer are not enough.
ROUNDS = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "20"))
ON_POSTGRESQL = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "3"))
#: Far below what a session queues before it drops the oldest.
MOST_PER_ROUND = 300
AHEAD = 20


class Client:
    """A client with a session that lasts, and in its memory what it had not finished.

    It connects again when it is told, once: with every failed attempt paho forgets which QoS 2 messages were received already.
    """

    def __init__(self, program: Program, name: str) -> None:
        self.name = name
        self.heard: Counter[str] = Counter()
        self._sent: list[tuple[str, int]] = []
        self._done: set[int] = set()
        self._subscribed = threading.Event()
        self.present = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=False,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_publish = lambda _client, _data, number, *_: self._done.add(number)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", program.port("mqtt"))
        self._client.loop_start()

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if flags.session_present:
            self.present.set()

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self.heard[message.payload.decode()] += 1

    def subscribe(self, topic_filter: str) -> None:
        self._client.subscribe(topic_filter, 2)
        assert self._subscribed.wait(10), "no SUBACK"

    def publish(self, topic: str, payload: str, qos: int) -> None:
        self._sent.append((payload, self._client.publish(topic, payload, qos).mid))

    @property
    def acknowledged(self) -> set[str]:
        """What it has sent, and knows to have arrived."""
        return {payload for payload, number in list(self._sent) if number in self._done}

    @property
    def unfinished(self) -> int:
        """How many of the last messages sent may still be on their way."""
        return sum(number not in self._done for _, number in self._sent[-AHEAD:])

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def come_back(self) -> None:
        self.present.clear()
        self._client.loop_stop()
        self._client.reconnect()
        self._client.loop_start()
        assert self.present.wait(10), "the session is gone"


class Publishing:
    """One thread that publishes at one quality, never far ahead of what is acknowledged."""

    def __init__(self, client: Client, qos: int, number: int) -> None:
        self._over = threading.Event()
        self._client, self._qos, self._number = client, qos, number
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        for count in range(MOST_PER_ROUND):
            while self._client.unfinished >= AHEAD and not self._over.is_set():
                time.sleep(0.001)
            if self._over.is_set():
                return
            self._client.publish(f"sessions/{count % 3}", f"{self._qos} {self._number}.{count}", self._qos)

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)


@pytest.mark.timeout(600 + 30 * ROUNDS)
def test_sessions_survive_sigkill(tmp_path: Path, data_url: str) -> None:
    chance = random.Random(11)
    program = Program(tmp_path, data_url)
    program.start()
    program.environment["FOLKMOOT_LISTEN__MQTT"] = program.addresses["mqtt"]
    online, offline = Client(program, "online"), Client(program, "offline")
    sources = {qos: Client(program, f"source{qos}") for qos in (1, 2)}
    clients = [online, offline, *sources.values()]
    try:
        for each in (online, offline):
            each.subscribe("sessions/#")
        offline.leave()
        rounds = ON_POSTGRESQL if data_url else ROUNDS
        for number in range(rounds):
            publishing = [Publishing(client, qos, number) for qos, client in sources.items()]
            # In the middle of it, whatever the machine's speed.
            enough = len(_acknowledged(sources)) + chance.randint(1, MOST_PER_ROUND // 2)
            until(lambda enough=enough: len(_acknowledged(sources)) >= enough, 30, "acknowledgements")  # type: ignore[misc]
            program.kill()
            for one in publishing:
                one.end()
            before_kill = _acknowledged(sources)
            program.start()
            for client in clients:
                client.come_back()
            _all_hear(before_kill, online, offline)
            until(lambda: not any(client.unfinished for client in sources.values()), 30, "the rest of what was sent")
            _all_hear(_acknowledged(sources), online, offline)
            offline.leave()
        assert min(len(client.acknowledged) for client in sources.values()) > rounds, "hardly anything was acknowledged"
        twice = {
            each.name: sorted(payload for payload, times in each.heard.items() if payload[0] == "2" and times > 1)
            for each in (online, offline)
        }
        assert twice == {"online": [], "offline": []}
    finally:
        for each in clients:
            each.leave()
        program.stop()


def _acknowledged(sources: dict[int, Client]) -> set[str]:
    return {payload for client in sources.values() for payload in client.acknowledged}


def _all_hear(payloads: set[str], *clients: Client) -> None:
    for client in clients:

        def missing(client: Client = client) -> set[str]:
            return payloads - set(client.heard)

        until(lambda missing=missing: not missing(), 30, "something acknowledged")  # type: ignore[misc]
