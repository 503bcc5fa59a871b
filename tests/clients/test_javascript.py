"""MQTT.js with the whole program, through every listener with every version; the stories are in mqtt.js."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import node
from tests.clients.conftest import authority
from tests.whole.program import Program

SCRIPT = Path(__file__).with_name("mqtt.js")
DOORS = {
    "mqtt": "mqtt://127.0.0.1",
    "mqtt_ws": "ws://127.0.0.1",
    "mqtt_tls": "mqtts://localhost",
    "mqtt_wss": "wss://localhost",
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("version", [3, 4, 5])
def test_mqtt_js(program: Program, version: int, door: str) -> None:
    path = "/mqtt" if door.startswith("mqtt_ws") else ""
    url = f"{DOORS[door]}:{program.port(door)}{path}"
    trusted = str(authority(program)) if door in ("mqtt_tls", "mqtt_wss") else ""
    stories = node.run(SCRIPT, url=url, version=version, ca=trusted, lasting=f"js{version}{door}")
    assert stories == (5 if version == 5 else 4)
