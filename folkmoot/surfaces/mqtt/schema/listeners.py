"""Listeners (contract §2.10); what may be set on one is in `forms.listeners`."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

ListenerType = Literal["tcp", "ssl", "ws", "wss", "quic"]


class ListenerQuery(Struct):
    type: ListenerType | None = None


class ListenerStatus(Struct):
    running: bool | str
    current_connections: int
    max_connections: int | str


class ListenerNodeStatus(Struct):
    node: str
    status: ListenerStatus


class ListenerRow(Struct):
    id: str
    type: str
    name: str
    enable: bool
    bind: str
    acceptors: int
    number: int
    status: ListenerStatus
    node_status: list[ListenerNodeStatus]


class ListenerTypeRow(Struct):
    """All listeners of one type together."""

    type: str
    enable: bool
    ids: list[str]
    status: ListenerStatus
    node_status: list[ListenerNodeStatus]


#: A whole configuration, or some of it.
ListenerSettings = dict[str, Any]
