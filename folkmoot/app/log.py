"""How the log is written: level and form, to the standard error, and to a file if operators say so."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from folkmoot.config import Config, Log

_Event = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file beside the standard error; when it has `most_bytes` (0 for never) the next begins, and `count` old ones stay."""

    path: Path
    log: Log
    most_bytes: int
    count: int


_open: RotatingFileHandler | None = None


def configure(config: Config, *, console: bool = True, file: LogFile | None = None) -> None:
    """Make structlog write as [log] says, to the standard error unless that is off, and to the file.

    A file that cannot be opened is told of there, and left out.
    """
    global _open
    if _open is not None:
        _open.close()
        _open = None
    outlets = list[Callable[[str, _Event], None]]()
    levels = list[int]()
    if console:
        levels.append(_level(config.log))
        outlets.append(_outlet(config.log, _to_standard_error, colors=sys.stderr.isatty()))
    trouble = ""
    if file is not None:
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            _open = RotatingFileHandler(file.path, maxBytes=file.most_bytes, backupCount=file.count, encoding="utf-8")
        except OSError as error:
            trouble = str(error)
    if file is not None and _open is not None:
        levels.append(_level(file.log))
        outlets.append(_outlet(file.log, _to(_open), colors=False))

    def write(_: Any, name: str, event: _Event) -> str:
        for each in outlets:
            each(name, event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            write,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(min(levels, default=logging.CRITICAL)),
    )
    if trouble:
        structlog.get_logger("log").error("the log cannot be written to a file", reason=trouble)


def _level(log: Log) -> int:
    level: int = getattr(logging, log.level.upper())
    return level


def _outlet(log: Log, write: Callable[[str], object], *, colors: bool) -> Callable[[str, _Event], None]:
    least = _level(log)
    render: Any = (
        structlog.processors.JSONRenderer() if log.format == "json" else structlog.dev.ConsoleRenderer(colors=colors)
    )

    def pass_on(name: str, event: _Event) -> None:
        if getattr(logging, event["level"].upper()) >= least:
            write(render(None, name, dict(event)))

    return pass_on


def _to_standard_error(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _to(handler: RotatingFileHandler) -> Callable[[str], None]:
    def write(text: str) -> None:
        handler.handle(logging.LogRecord("folkmoot", logging.INFO, "", 0, text, None, None))

    return write
