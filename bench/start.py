"""Cold start until every listener answers, and memory when idle.

Budgets: 2 seconds, 150 MiB.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.whole.program import Program


def show(seconds: float) -> None:
    """Start the demo with a new data directory, then again with the same one; print both and the memory."""
    with tempfile.TemporaryDirectory() as directory:
        for what in ("first start (migrates, seeds)", "start"):
            program = Program(Path(directory))
            began = time.monotonic()
            program.start()
            took = time.monotonic() - began
            time.sleep(min(seconds, 2.0))
            assert program.process is not None
            status = Path(f"/proc/{program.process.pid}/status").read_text()
            [resident] = [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")]
            program.stop()
            print(f"{what:32} {took:6.2f} s   idle {resident:6.1f} MiB")
