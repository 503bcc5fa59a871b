"""What is checked from time to time and raises alarms: processors, memory, connections that do not read."""

from __future__ import annotations

import os
from typing import Any

from folkmoot.domain.broker import Broker, Link

from .alarms import Alarms
from .machine import Machine

#: Seconds between two looks at the connections.
CONGESTION_SECONDS = 5.0
#: Names are kept in an index; a client's identifier may be longer than one takes.
_NAME_MAX = 1000


class Overseer:
    """Call `tick` about once a second; intervals and limits are the operator's."""

    def __init__(self, broker: Broker, alarms: Alarms, machine: Machine, now: float) -> None:
        self._broker = broker
        self._alarms = alarms
        self._machine = machine
        self._cpu_at = self._memory_at = self._links_at = now
        self._congested: dict[str, float] = {}
        """When each of the connections with an alarm was last seen not to read."""

    def tick(self, now: float) -> None:
        """Checks what is due."""
        options = self._broker.options.sysmon
        if now - self._cpu_at >= options.cpu_check_interval:
            self._cpu_at = now
            self._check_cpu(now)
        if options.mem_check_interval is not None and now - self._memory_at >= options.mem_check_interval:
            self._memory_at = now
            self._check_memory(now)
        if now - self._links_at >= CONGESTION_SECONDS:
            self._links_at = now
            self._check_links(now)

    def _check_cpu(self, now: float) -> None:
        options, use = self._broker.options.sysmon, self._machine.cpu_use()
        if use is None:
            return
        if use > options.cpu_high_watermark:
            details = {
                "usage": _percent(use),
                "high_watermark": _percent(options.cpu_high_watermark),
                "low_watermark": _percent(options.cpu_low_watermark),
            }
            self._alarms.activate("high_cpu_usage", f"{_percent(use)} cpu usage", details, now)
        elif use < options.cpu_low_watermark:
            self._alarms.deactivate("high_cpu_usage", now)

    def _check_memory(self, now: float) -> None:
        options = self._broker.options.sysmon
        total, used = self._machine.memory()
        self._judge("system", used / total, options.sysmem_high_watermark, {}, now)
        own = self._machine.own_memory() / total
        self._judge("process", own, options.procmem_high_watermark, {"pid": str(os.getpid())}, now)

    def _judge(self, what: str, use: float, most: float, details: dict[str, Any], now: float) -> None:
        name = f"high_{what}_memory_usage"
        if use > most:
            message = f"{what.capitalize()} memory usage is higher than {_percent(most)}"
            details = {**details, "usage": _percent(use), "high_watermark": _percent(most)}
            self._alarms.activate(name, message, details, now)
        else:
            self._alarms.deactivate(name, now)

    def _check_links(self, now: float) -> None:
        options = self._broker.options.conn_congestion
        if options.enable_alarm:
            for link in [each for each in self._broker.links if each.room <= 0 and each.session is not None]:
                name = _congestion_name(link)
                self._congested[name] = now
                self._alarms.activate(name, "connection congested", _congestion(link), now)
        for name, seen_at in list(self._congested.items()):
            if now - seen_at >= options.min_alarm_sustain_duration or not options.enable_alarm:
                del self._congested[name]
                self._alarms.deactivate(name, now)


def _congestion_name(link: Link) -> str:
    return f"conn_congestion/{link.client_id}/{link.client.username or 'unknown_user'}"[:_NAME_MAX]


def _congestion(link: Link) -> dict[str, Any]:
    client = link.client
    return {
        "clientid": link.client_id,
        "username": client.username or "unknown_user",
        "peername": f"{client.address}:{client.port}",
        "proto_ver": client.version,
        "connected_at": int(link.connected_at * 1000),
        "waiting_bytes": link.broker.limits.output_bytes - link.room,
        "mqueue_len": len(link.session.queue) if link.session is not None else 0,
    }


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"
