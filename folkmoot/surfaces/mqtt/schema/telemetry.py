"""The report that is never sent (contract §2.17)."""

from __future__ import annotations

from msgspec import Struct


class TelemetryStatus(Struct):
    enable: bool


class TelemetryData(Struct):
    emqx_version: str
    license: dict[str, str]
    os_name: str
    os_version: str
    otp_version: str
    up_time: int
    """Seconds."""
    active_plugins: list[str]
    nodes_uuid: list[str]
    num_clients: int
    messages_received: int
    messages_sent: int
