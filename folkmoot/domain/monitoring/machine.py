"""How the machine does, from `/proc`: processor time and memory, of all and of this program."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


class Machine:
    """Reads the machine's state; what it does not tell is None or 0. `proc` is where the system shows it."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._busy, self._all = self._times()
        self._shown = self._busy, self._all
        self._share = 0.0

    def memory(self) -> tuple[int, int]:
        """The machine's memory and what of it is in use, in bytes."""
        try:
            lines = (self._proc / "meminfo").read_text("ascii").splitlines()
            fields = dict(line.split(":", 1) for line in lines if ":" in line)
            total, available = (int(fields[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
            return total, total - available
        except (OSError, KeyError, ValueError, IndexError):
            page = os.sysconf("SC_PAGE_SIZE")
            total = os.sysconf("SC_PHYS_PAGES") * page
            return total, total - os.sysconf("SC_AVPHYS_PAGES") * page

    def own_memory(self) -> int:
        """What this program holds of the memory, in bytes; 0 if nobody knows."""
        try:
            pages = int((self._proc / "self" / "statm").read_text("ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_use(self) -> float | None:
        """The share of the processors' time in use since the last call, 0 to 1; None if nobody knows."""
        busy, everything = self._times()
        spent_busy, spent = busy - self._busy, everything - self._all
        if spent <= 0:
            return None
        self._busy, self._all = busy, everything
        return min(1.0, max(0.0, spent_busy / spent))

    def cpu_share(self) -> float:
        """The same for whoever looks often: of the time since the last look, as long as any has passed."""
        busy, everything = self._times()
        spent = everything - self._shown[1]
        if spent > 0:
            self._share = min(1.0, max(0.0, (busy - self._shown[0]) / spent))
            self._shown = busy, everything
        return self._share

    def run_queue(self) -> int:
        """How many threads of the machine want a processor now."""
        try:
            return int((self._proc / "loadavg").read_text("ascii").split()[3].partition("/")[0])
        except (OSError, ValueError, IndexError):
            return 0

    def _times(self) -> tuple[int, int]:
        try:
            # user nice system idle iowait irq softirq steal; guests are in user already
            spent = [int(each) for each in (self._proc / "stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
        except (OSError, ValueError):
            return 0, 0
        return sum(spent) - sum(spent[3:5]), sum(spent)
