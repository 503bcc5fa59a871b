"""How the log is written: level and form, to the standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from folkmoot.config import Config


def configure(config: Config) -> None:
    """Make structlog write as [log] says, to the standard error."""
    level: int = getattr(logging, config.log.level.upper())
    last: Any = (
        structlog.processors.JSONRenderer()
        if config.log.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
