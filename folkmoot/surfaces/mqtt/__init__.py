"""MQTT over TCP and WebSocket, and the management REST API beside it."""

from folkmoot.surfaces.mqtt.push import Push
from folkmoot.surfaces.mqtt.stream import Stream, StoredJournal

__all__ = ["Push", "StoredJournal", "Stream"]
