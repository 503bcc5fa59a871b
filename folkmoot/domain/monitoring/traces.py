"""Traces: what happens around one client, topic, address or rule, written to a file for as long as an operator wants.

A trace waits for its start, runs, and stops at its end; its file stays until it is deleted. While none runs nothing is listened
to. While one runs, all messages it might want take the slow way: those of its topics, or all of them when it follows a client.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args

import msgspec
import structlog

from folkmoot.domain.broker import Broker, is_filter, split_shared
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.store import Transaction

from .tracing import FORMATS, Line, Listener

Subject = Literal["clientid", "topic", "ip_address", "ruleid"]
log = structlog.get_logger("mqtt.traces")

SUBJECTS: tuple[str, ...] = get_args(Subject)
TRACES_MAX = 30
#: A file never grows beyond this.
FILE_BYTES_MAX = 16 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
#: It is part of the name of a file, which has at most 255 bytes.
_NAME_LONGEST = 200


class Trace(msgspec.Struct, frozen=True):
    """What is traced, from when to when."""

    name: str
    subject: str
    value: str
    starts_at: datetime
    ends_at: datetime
    payload_encode: str = "text"
    formatter: str = "text"

    def status(self, now: datetime) -> str:
        """`waiting`, `running` or `stopped`."""
        if now >= self.ends_at:
            return "stopped"
        return "running" if now >= self.starts_at else "waiting"


class Traces:
    """The traces of one broker, with their files in `directory`."""

    def __init__(self, broker: Broker, directory: Path, largest: int = FILE_BYTES_MAX) -> None:
        self._broker = broker
        self._directory = directory
        self._largest = largest
        self.all: dict[str, Trace] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._listener: Listener | None = None

    @property
    def rules(self) -> set[str]:
        """The rules that are traced now; whoever runs one of them calls `note_rule`."""
        return {self.all[name].value for name in self._files if self.all[name].subject == "ruleid"}

    def require_new(self, trace: Trace, now: datetime) -> None:
        """Raises Invalid or Conflict for a trace that cannot be added."""
        if not _NAME.fullmatch(trace.name) or len(trace.name) > _NAME_LONGEST:
            raise Invalid("trace.invalid", "A name is letters, then letters, digits, - and _.", "name")
        if trace.subject not in SUBJECTS:
            raise Conflict("trace.type", f"The type is one of {', '.join(SUBJECTS)}.", "type")
        _require_value(trace)
        if trace.ends_at <= trace.starts_at or trace.ends_at <= now:
            raise Invalid("trace.invalid", "The end comes after the start, and not in the past.", "end_at")
        if trace.name in self.all:
            raise Conflict("trace.exists", f"There is a trace named {trace.name}.", "name")
        if any((one.subject, one.value) == (trace.subject, trace.value) for one in self._live(now)):
            raise Conflict("trace.duplicate", f"There is a trace of that {trace.subject}.", trace.subject)
        if len(self.all) >= TRACES_MAX:
            raise Invalid("trace.invalid", f"There are {TRACES_MAX} traces; delete one first.")

    def _live(self, now: datetime) -> list[Trace]:
        return [one for one in self.all.values() if one.status(now) != "stopped"]

    def put(self, trace: Trace, now: datetime) -> None:
        """Adds or changes a trace that is kept already."""
        self.all[trace.name] = trace
        self.tick(now)

    def get(self, name: str) -> Trace:
        """Raises NotFound."""
        found = self.all.get(name)
        if found is None:
            raise NotFound("trace.unknown", f"There is no trace named {name}.")
        return found

    def remove(self, name: str) -> None:
        """Forgets a trace and its file; the caller deletes what is kept."""
        trace = self.all.pop(name)
        if name in self._files:
            self._close(name)
            self._listen()
        with suppress(FileNotFoundError):
            self.path(trace).unlink()

    def path(self, trace: Trace) -> Path:
        """Where its file is, if it has begun."""
        return self._directory / f"trace_{trace.name}_{trace.starts_at:%Y-%m-%d}.log"

    def flush(self, name: str) -> None:
        """Puts what was written where others can read it."""
        file = self._files.get(name)
        if file is not None:
            try:
                file.flush()
            except OSError as error:
                log.warning("a trace cannot be written", name=name, reason=str(error))

    def tick(self, now: datetime) -> None:
        """Starts and stops what is due."""
        running = {name for name, trace in self.all.items() if trace.status(now) == "running"}
        if running == self._files.keys():
            for name in list(self._files):
                self.flush(name)
            return
        for name in self._files.keys() - running:
            self._close(name)
        for name in running - self._files.keys():
            try:
                self._files[name] = self._open(self.path(self.all[name]))
            except OSError as error:
                log.warning("a trace cannot be written", name=name, reason=str(error))
        self._listen()

    def _close(self, name: str) -> None:
        file = self._files.pop(name, None)
        if file is not None:
            # What does not fit on the disc any more is lost.
            with suppress(OSError):
                file.close()

    def _open(self, path: Path) -> IO[bytes]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")

    def _listen(self) -> None:
        """Hears of what the running traces want, and of nothing when there are none."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        wanted = {name: self.all[name] for name in self._files if self.all[name].subject != "ruleid"}
        if wanted:
            topics = [one.value for one in wanted.values() if one.subject == "topic"]
            everything = any(one.subject != "topic" for one in wanted.values())
            self._listener = Listener(self._broker, None if everything else topics, self._note)

    def _note(self, line: Line, topic: str | None) -> None:
        for name, file in list(self._files.items()):
            if line.concerns(self.all[name].subject, self.all[name].value, topic):
                self._write(self.all[name], file, line)

    def note_rule(self, rule_id: str, message: str, details: dict[str, Any], now: float) -> None:
        """Writes what a rule did; `details` may hold a `payload`."""
        line = Line(now, "RULE", message, None, {"rule_id": rule_id, **details})
        for name, file in list(self._files.items()):
            trace = self.all[name]
            if trace.subject == "ruleid" and trace.value == rule_id:
                self._write(trace, file, line)

    def _write(self, trace: Trace, file: IO[bytes], line: Line) -> None:
        data = FORMATS[trace.formatter](line, trace.payload_encode)
        if file.tell() + len(data) <= self._largest:
            with suppress(OSError):
                file.write(data)

    def close(self) -> None:
        """Stops listening and writing, because the program ends."""
        self.all.clear()
        for name in list(self._files):
            self._close(name)
        self._listen()


def _require_value(trace: Trace) -> None:
    value = trace.value
    if not value or "\0" in value:
        raise Invalid("trace.invalid", f"A trace of a {trace.subject} names it.", trace.subject)
    if trace.subject == "topic":
        try:
            legal = is_filter(split_shared(value)[1])
        except ValueError:
            legal = False
        if not legal:
            raise Invalid("trace.invalid", "This is no topic filter.", "topic")
    if trace.subject == "ip_address":
        try:
            ipaddress.ip_address(value)
        except ValueError as error:
            raise Invalid("trace.invalid", "This is no address.", "ip_address") from error


_COLUMNS = Trace.__struct_fields__


def list_traces(tx: Transaction) -> list[Trace]:
    """All traces that are kept."""
    return tx.all(Trace, f"SELECT {', '.join(_COLUMNS)} FROM traces")


def save_trace(tx: Transaction, trace: Trace) -> None:
    """Keep a trace as it is now."""
    names, marks = ", ".join(_COLUMNS), ", ".join(f":{name}" for name in _COLUMNS)
    tx.run(
        f"INSERT INTO traces ({names}) VALUES ({marks}) ON CONFLICT (name) DO UPDATE SET ends_at = excluded.ends_at",
        **msgspec.structs.asdict(trace),
    )


def delete_traces(tx: Transaction, names: Iterable[str]) -> None:
    """Forget the traces of these names."""
    tx.run_many("DELETE FROM traces WHERE name = :name", [{"name": name} for name in names])


def whole_second(seconds: float) -> datetime:
    """The second a time is in; traces know nothing finer."""
    return datetime.fromtimestamp(int(seconds), UTC)
