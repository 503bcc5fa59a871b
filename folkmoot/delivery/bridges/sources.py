"""What a rule sees of a message that a source fetched (contract §2.13, `$bridges/mqtt:NAME`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from folkmoot.domain.bridges import Connector, MqttServer
from folkmoot.wire.mqtt import Publish

from . import properties


def columns_of(connector: Connector, message: Publish, now: datetime) -> dict[str, Any]:
    """The columns, without those that every event has."""
    assert isinstance(connector.settings, MqttServer)
    return {
        "id": uuid4().hex.upper(),
        "payload": properties.text(message.payload),
        "server": connector.settings.server,
        "topic": message.topic,
        "qos": message.qos,
        "dup": message.dup,
        "retain": message.retain,
        "pub_props": properties.read(message.properties),
        "message_received_at": int(now.timestamp() * 1000),
    }
