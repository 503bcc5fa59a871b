"""The node; asks the machine how it does."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
from pathlib import Path

import folkmoot
from folkmoot.domain.broker import Broker
from folkmoot.surfaces.mqtt import schema


def node(broker: Broker, name: str, uptime_seconds: float, log_path: str | None) -> schema.Node:
    """The one node we are; `log_path` is where its log is, if it is in files."""
    load = os.getloadavg()
    total, available = _memory()
    return schema.Node(
        node=name,
        node_status="running",
        version=schema.VERSION,
        edition="Opensource",
        role="core",
        uptime=int(uptime_seconds * 1000),
        connections=len(broker.sessions),
        live_connections=len(broker.sessions) - len(broker.offline),
        cluster_sessions=len(broker.sessions),
        load1=round(load[0], 2),
        load5=round(load[1], 2),
        load15=round(load[2], 2),
        max_fds=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        memory_total=_size(total),
        memory_used=_size(total - available),
        # EMQX: the limit of its runtime; ours has none, so this is theirs.
        process_available=2_097_152,
        process_used=len(asyncio.all_tasks()),
        otp_release=f"Python {platform.python_version()}",
        sys_path=str(Path(folkmoot.__file__).parent),
        log_path=log_path or "log.file_handler.default.enable is false,not logging to file.",
    )


def _memory() -> tuple[int, int]:
    """The machine's memory, and what is available of it, in bytes."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = os.sysconf("SC_PHYS_PAGES") * page
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        return total, int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return total, os.sysconf("SC_AVPHYS_PAGES") * page


def _size(size_bytes: int) -> str:
    for unit, name in ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.2f}{name}"
    return f"{size_bytes:.2f}"
