"""Runs the real program in a process of its own, on free ports, in a directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

HTTP = ("forum", "lists", "newsletter", "mqtt_api", "web")
_LISTENERS = (*HTTP, "mqtt", "mqtt_ws", "lmtp", "smtp")
READY_SECONDS = 60.0


def until(look: Callable[[], T | None], seconds: float = 10.0, what: str = "what was waited for") -> T:
    """The first true answer of `look`, asked again and again; fails after the time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


class Program:
    """A running `folkmoot serve`."""

    def __init__(self, directory: Path, url: str = "", *, demo: bool = True, **settings: str) -> None:
        self.directory = directory
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FOLKMOOT_")},
            "FOLKMOOT_DATA__DIR": str(directory),
            "FOLKMOOT_DATA__URL": url,
            "FOLKMOOT_LIMITS__ENABLED": "false",
            **{f"FOLKMOOT_LISTEN__{name.upper()}": "127.0.0.1:0" for name in _LISTENERS},
            **settings,
        }
        self._demo = demo
        self.process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        listeners = self.directory / "listeners.json"
        listeners.unlink(missing_ok=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "folkmoot", "serve", *(["--demo"] if self._demo else [])]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        try:
            until(lambda: listeners.exists() or self.process is None or self.process.poll() is not None, READY_SECONDS)
        except AssertionError:
            self.kill()
            raise
        assert self.process.poll() is None, f"it ended:\n{self.log()}"
        self.addresses = json.loads(listeners.read_text())

    def log(self) -> str:
        """What it has written so far."""
        return (self.directory / "log").read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it in order; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def port(self, listener: str) -> int:
        """The port a listener has."""
        return int(self.addresses[listener].rpartition(":")[2])

    def url(self, surface: str, path: str = "") -> str:
        """The address of a surface."""
        return f"http://{self.addresses[surface]}{path}"

    def http(self, surface: str, **options: Any) -> httpx.Client:
        """An HTTP client of a surface; the caller closes it."""
        return httpx.Client(base_url=self.url(surface), timeout=10, verify=False, trust_env=False, **options)

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a `folkmoot` command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "folkmoot", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=options.pop("check", True),
            **options,
        )


@contextmanager
def running(directory: Path, url: str = "", **options: Any) -> Iterator[Program]:
    """A started program that is ended afterwards, whatever happens."""
    program = Program(directory, url, **options)
    program.start()
    try:
        yield program
    finally:
        if program.process is not None and program.process.poll() is None:
            program.stop()
