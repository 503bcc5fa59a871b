"""Status and nodes (contract §2.2), error codes (§1.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class StatusQuery(Struct):
    format: Literal["text", "json"] = "text"


class Status(Struct):
    node_name: str
    rel_vsn: str
    broker_status: Literal["started", "stopped"]
    app_status: Literal["running", "not_running"]


class Node(Struct):
    node: str
    node_status: Literal["running", "stopped"]
    version: str
    edition: str
    role: str
    uptime: int
    connections: int
    live_connections: int
    cluster_sessions: int
    load1: float
    load5: float
    load15: float
    max_fds: int
    memory_total: str
    memory_used: str
    process_available: int
    process_used: int
    otp_release: str
    sys_path: str
    log_path: str


class Cluster(Struct):
    name: str
    nodes: list[str]
    self: str


class Replicant(Struct):
    node: str
    streams: int


class CoreNode(Struct):
    core_node: str
    replicant_nodes: list[Replicant]


class Invitation(Struct):
    node: str
    started_at: str
    finished_at: str
    reason: str


class Invitations(Struct):
    succeed: list[Invitation]
    in_progress: list[Invitation]
    failed: list[Invitation]


class Invite(Struct):
    timeout: Annotated[int, Meta(ge=5000)] = 15_000
    """Milliseconds."""


class ErrorCode(Struct):
    code: str
    description: str
