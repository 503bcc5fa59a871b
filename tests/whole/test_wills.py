"""Wills outlive SIGKILL and are heard once, at their time, or not at all; rounds from FOLKMOOT_TEST_ROUNDS."""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.whole.program import Program, until
from tests.whole.test_messages import Sink, all_heard

#: Rounds are of one start each; the other database has a few.
ROUNDS = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "3"))
ON_POSTGRESQL = int(os.environ.get("FOLKMOOT_TEST_ROUNDS", "1"))
DELAY_SECONDS = 1


class Mortal:
    """A client with a will; `delay` seconds of it and `lasts` seconds of its session are MQTT 5's."""

    def __init__(self, program: Program, name: str, text: str, *, lasts: int, delay: int, clean: bool = True) -> None:
        self._connected = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        will = Properties(PacketTypes.WILLMESSAGE)
        if delay:
            will.WillDelayInterval = delay
        self._client.will_set(f"wills/{name}", text, qos=2, properties=will)
        self._client.on_connect = self._on_connect
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = lasts
        self._client.connect("127.0.0.1", program.port("mqtt"), clean_start=clean, properties=properties)
        self._client.loop_start()
        assert self._connected.wait(10), "no CONNACK"

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        assert reason == 0, reason
        self._connected.set()

    def keep(self) -> None:
        """Returns when what was noted up to now is committed, as this is with it."""
        self._client.publish("mark", b"x", qos=1, retain=True).wait_for_publish(10)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def forget(self) -> None:
        self._client.loop_stop()


@pytest.mark.timeout(600 + 30 * ROUNDS)
def test_wills_survive_sigkill(tmp_path: Path, data_url: str) -> None:
    program = Program(tmp_path, data_url)
    program.start()
    program.environment["FOLKMOOT_LISTEN__MQTT"] = program.addresses["mqtt"]
    watcher = Sink(program, "watcher", "wills/#", clean=False)
    due: set[str] = set()
    never: set[str] = set()
    try:
        for number in range(ON_POSTGRESQL if data_url else ROUNDS):
            here = [
                Mortal(program, "clean", f"{number} clean", lasts=0, delay=0),
                Mortal(program, "clean late", f"{number} clean late", lasts=0, delay=1000),
                Mortal(program, "kept", f"{number} kept", lasts=1000, delay=0),
                Mortal(program, "late", f"{number} late", lasts=1000, delay=DELAY_SECONDS),
                Mortal(program, "short", f"{number} short", lasts=DELAY_SECONDS, delay=1000),
                Mortal(program, "back", f"{number} back", lasts=1000, delay=1000),
            ]
            Mortal(program, "polite", f"{number} polite", lasts=1000, delay=0).leave()
            here[0].keep()
            due |= {f"{number} {name}" for name in ("clean", "clean late", "kept", "late", "short")}
            never |= {f"{number} back", f"{number} polite"}
            program.kill()
            for each in here:
                each.forget()
            program.start()
            # Its session is there, so its will is not due; the next one does not matter.
            Mortal(program, "back", f"{number} back again", lasts=1000, delay=0, clean=False).leave()
            watcher.come_back()
            until(partial(all_heard, watcher, due), 30, "a will")
        assert not never & set(watcher.heard)
        assert set(watcher.heard) == due, "more wills than were left"
        assert set(watcher.heard.values()) == {1}, "a will came twice"
    finally:
        watcher.leave()
        program.stop()
