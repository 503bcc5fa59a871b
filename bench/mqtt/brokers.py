"""The two brokers, each a process of its own on a free port: the real program, and Mosquitto with the same limits."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.whole.program import running

MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
persistence false
max_queued_messages 0
max_inflight_messages 0
log_type none
"""
#: As Mosquitto above: no limit on what is in flight or waits.
_ZONE = {"mqtt": {"max_inflight": 0xFFFF, "max_mqueue_len": "infinity"}}
_ADMIN = {"username": "bench", "password": "bench-0123456789"}


class Broker(NamedTuple):
    """A running broker."""

    name: str
    port: int
    pid: int

    def resident_bytes(self) -> int:
        """Its memory now."""
        return self._memory("VmRSS")

    def forget_peak(self) -> None:
        """Begins to look for the peak of its memory anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """The most memory it had since then."""
        return self._memory("VmHWM")

    def cpu_seconds(self) -> float:
        """What it has used of processors so far."""
        # As clock_getcpuclockid(3) names the clock of another process.
        return time.clock_gettime(~self.pid << 3 | 2)

    def rest(self, seconds: float = 60.0) -> None:
        """Waits until it has nothing to do any more: what it writes behind its answers is written."""
        deadline = time.monotonic() + seconds
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.cpu_seconds()
            if now - before < 0.05:
                return
            before = now

    def _memory(self, key: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
        raise KeyError(key)


@contextlib.contextmanager
def folkmoot() -> Iterator[Broker]:
    """`folkmoot serve` as people run it, with its permissions, counters and listeners; only the queues' limits are lifted."""
    with tempfile.TemporaryDirectory() as directory:
        names = {f"FOLKMOOT_ADMIN_{key.upper()}": value for key, value in _ADMIN.items()}
        with running(Path(directory), demo=False, **names) as program:
            with program.http("mqtt_api") as api:
                token = api.post("/api/v5/login", json=_ADMIN).raise_for_status().json()["token"]
                sent = {"Authorization": f"Bearer {token}"}
                api.put("/api/v5/configs/global_zone", json=_ZONE, headers=sent).raise_for_status()
            assert program.process is not None
            yield Broker("folkmoot", program.port("mqtt"), program.process.pid)


@contextlib.contextmanager
def mosquitto() -> Iterator[Broker]:
    """A Mosquitto."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
    if program is None:
        raise SystemExit("mosquitto is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "mosquitto.conf"
        config.write_text(MOSQUITTO.format(port=port))
        process = subprocess.Popen([program, "-c", str(config)])
        try:
            _await_port(port)
            yield Broker("mosquitto", port, process.pid)
        finally:
            process.terminate()
            process.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise SystemExit("mosquitto does not answer")
