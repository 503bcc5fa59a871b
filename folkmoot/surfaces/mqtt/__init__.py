"""MQTT over TCP and WebSocket, and the management REST API beside it."""
