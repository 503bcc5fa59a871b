"""Every numbered statement of the MQTT specifications that a server can break, and the tests that name it.

The statements stand in `mqtt5.txt` and `mqtt311.txt`, in words of our own: number, who can break it, what it asks. `server`
includes what a client breaks and a server has to notice. MQTT 3.1 has no numbers; where MQTT 3.1.1 kept its rule, it runs along.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

V31, V311, V5 = 3, 4, 5
NAMES = {V31: "3.1", V311: "3.1.1", V5: "5.0"}


class Statement(NamedTuple):
    """One numbered statement."""

    number: str
    who: str
    """`server`, `client` or `out`; the last with its reason behind a colon in what it asks."""
    asks: str


def read_statements(name: str) -> list[Statement]:
    """The statements of one specification."""
    lines = Path(__file__).with_name(name).read_text().splitlines()
    return [Statement("MQTT-" + line.split(" ", 2)[0], *line.split(" ", 2)[1:]) for line in lines if line[0] != "#"]


#: Statements by the first version they hold for.
STATEMENTS = {V311: read_statements("mqtt311.txt"), V5: read_statements("mqtt5.txt")}


def states(both: str = "", *, v5: str = "", v3: str = "", mqisdp: bool = True) -> Callable[[Any], Any]:
    """Says which statements a test is about: of both versions by the same number, of MQTT 5, of MQTT 3.1.1.

    A test with an argument `version` runs once for each of them, and for MQTT 3.1 unless that has another rule.
    """
    named = {V311: set(f"{both} {v3}".split()), V5: set(f"{both} {v5}".split())}
    versions = [V31] * (bool(named[V311]) and mqisdp) + [version for version in (V311, V5) if named[version]]

    def mark(test: Any) -> Any:
        test.statements = named
        if "version" in inspect.signature(test).parameters:
            return pytest.mark.parametrize("version", versions, ids=[NAMES[version] for version in versions])(test)
        return test

    return mark
