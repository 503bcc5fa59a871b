"""Any text as a configuration in HOCON: read, or refused; what is read can be written and read again."""

from __future__ import annotations

from folkmoot.text.hocon import HoconError, parse, write

SEEDS = (
    b"mqtt { max_inflight = 5\n idle_timeout = 10s } # why\nmqtt.strict_mode: true",
    b'{"a": {"b": [1, 2.5, "x", true, null]}}',
    b'a = """long\ntext"""\nb = [\n one\n two\n]\n"c.d".e = "\\u00e4"',
)


def run(data: bytes) -> None:
    """Read it as the management API does."""
    try:
        found = parse(data.decode("utf-8", "replace"))
    except HoconError:
        return
    assert parse(write(found)) == found
