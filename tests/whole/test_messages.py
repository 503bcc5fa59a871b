"""Delayed and retained messages outlive SIGKILL, on both databases; rounds from FOLKMOOT_TEST_ROUNDS."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from tests.whole.program import Program, until

ROUNDS = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "2"))
#: Far below what a session queues before it drops the oldest.
MOST_PER_ROUND = 300
AHEAD = 20
#: Delayed messages of a round are due so many seconds after it began at the earliest.
DELAY_SECONDS = 1


class Source:
    """Publishes until it is cut off, never far ahead of what is acknowledged."""

    def __init__(self, program: Program, number: int) -> None:
        self._number = number
        self._over = threading.Event()
        self._sent: dict[int, tuple[str, str]] = {}
        self._done: set[int] = set()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=f"source{number}",
            reconnect_on_failure=False,
        )
        self._client.on_publish = lambda _client, _data, number, *_: self._done.add(number)
        self._client.connect("127.0.0.1", program.port("mqtt"))
        self._client.loop_start()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        for count in range(MOST_PER_ROUND):
            while len(self._sent) - len(self._done) >= AHEAD and not self._over.is_set():
                time.sleep(0.001)
            if self._over.is_set():
                return
            text = f"{self._number}.{count}"
            self._publish("delayed", text, f"$delayed/{DELAY_SECONDS + count % 2}/later/{count % 5}", retain=False)
            self._publish("retained", text, f"kept/{self._number}/{count}", retain=True)

    def _publish(self, kind: str, text: str, topic: str, *, retain: bool) -> None:
        number = self._client.publish(topic, text, qos=1 + len(self._sent) // 2 % 2, retain=retain).mid
        self._sent[number] = (kind, text)

    def acknowledged(self, kind: str) -> set[str]:
        return {text for number, (what, text) in list(self._sent.items()) if number in self._done and what == kind}

    def sent(self, kind: str) -> set[str]:
        return {text for what, text in list(self._sent.values()) if what == kind}

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._client.loop_stop()


class Sink:
    """A client with a session that lasts; QoS 2, so that nothing may come twice."""

    def __init__(self, program: Program, name: str, topic_filter: str, *, clean: bool) -> None:
        self.heard: Counter[str] = Counter()
        self._ready = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=clean,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_connect = lambda client, *_: client.subscribe(topic_filter, 2)
        self._client.connect("127.0.0.1", program.port("mqtt"))
        self.start()

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self.heard[message.payload.decode()] += 1

    def start(self) -> None:
        self._client.loop_start()
        assert self._ready.wait(10), "no SUBACK"

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def come_back(self) -> None:
        self._ready.clear()
        self._client.loop_stop()
        self._client.reconnect()
        self.start()


@pytest.mark.timeout(600 + 30 * ROUNDS)
def test_delayed_and_retained_messages_survive_sigkill(tmp_path: Path, data_url: str) -> None:
    chance = random.Random(7)
    program = Program(tmp_path, data_url)
    program.start()
    program.environment["FOLKMOOT_LISTEN__MQTT"] = program.addresses["mqtt"]
    later = Sink(program, "later", "later/#", clean=False)
    acknowledged: set[str] = set()
    sent: set[str] = set()
    kept: set[str] = set()
    try:
        for number in range(ROUNDS):
            source = Source(program, number)
            enough = chance.randint(20, 200)
            until(partial(_has_acknowledged, source, enough), 30, "acknowledgements")
            if number % 2:
                # In the middle of handing out what is due.
                until(partial(_hears_of, later, number), 10, "the first that is due")
            program.kill()
            source.end()
            acknowledged |= source.acknowledged("delayed")
            sent |= source.sent("delayed")
            kept |= source.acknowledged("retained")
            program.start()
            later.come_back()
            until(partial(all_heard, later, acknowledged), 30, "a delayed message that was acknowledged")
            found = Sink(program, "found", "kept/#", clean=True)
            until(partial(all_heard, found, kept), 30, "a retained message that was acknowledged")
            found.leave()
        with program.http("mqtt_api", auth=("admin", "public")) as rest:

            def waiting() -> int:
                return int(rest.get("/api/v5/mqtt/delayed/messages").json()["meta"]["count"])

            until(lambda: not waiting(), 10, "the end of what is delayed")
        assert set(later.heard) <= sent
        assert {text for text, times in later.heard.items() if times > 1} <= _of_quality_one(later.heard)
    finally:
        later.leave()
        program.stop()


def _has_acknowledged(source: Source, enough: int) -> bool:
    return len(source.acknowledged("delayed")) >= enough


def all_heard(sink: Sink, texts: set[str]) -> bool:
    return all(text in sink.heard for text in texts)


def _hears_of(sink: Sink, number: int) -> bool:
    return any(text.startswith(f"{number}.") for text in list(sink.heard))


def _of_quality_one(heard: Counter[str]) -> set[str]:
    """Those that were published with QoS 1 and so may come twice."""
    return {text for text in heard if int(text.split(".")[1]) % 2 == 0}
