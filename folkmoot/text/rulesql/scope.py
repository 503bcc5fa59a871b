"""What a statement sees while it is evaluated, and how much it may still do."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from folkmoot.errors import Invalid

from .values import read_json

#: A tenth of a second of work, or a little more; one unit is a step, or 64 bytes looked at, or less where that takes long.
WORK_MAX = 100_000
#: Values that rules keep between runs.
KEPT_MAX = 10_000
#: Only variables that begin so can be read; the rest of the environment is not the rules'.
ENVIRONMENT_PREFIX = "EMQXVAR_"


class Surroundings:
    """What is neither in the statement nor in the columns: the time, chance, and what rules have kept."""

    def __init__(
        self,
        clock: Callable[[], int] = time.time_ns,
        chance: random.Random | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.clock = clock
        """Nanoseconds since 1970."""
        self.chance = chance or random.Random()
        self.environment = os.environ if environment is None else environment
        self.kept: dict[str, Any] = {}
        """`kv_store_put` and `proc_dict_put` write here."""


class Scope:
    """One evaluation."""

    __slots__ = ("_decoded", "columns", "left", "made", "surroundings")

    def __init__(self, columns: Mapping[str, Any], surroundings: Surroundings, left: int = WORK_MAX) -> None:
        self.columns = columns
        self.made: dict[str, Any] = {}
        """What was selected, by alias; it hides the columns."""
        self.surroundings = surroundings
        self.left = left
        self._decoded: dict[str | bytes, Any] = {}

    def name(self, name: str) -> Any:
        """A selected value or a column; None if there is none."""
        return self.made[name] if name in self.made else self.columns.get(name)

    def text_of(self, name: str) -> str | bytes:
        """The text under a name, empty if it is none."""
        value = self.name(name)
        return value if isinstance(value, str | bytes) else ""

    def spend(self, work: int) -> None:
        """Counts work. Raises Invalid when there was too much."""
        self.left -= work
        if self.left < 0:
            raise Invalid("sql.limit", "The statement has too much to do.")

    def decode(self, value: str | bytes) -> Any:
        """What a JSON text says, read once; the caller must not change it. Raises Invalid."""
        if value not in self._decoded:
            self.spend(len(value) >> 4)
            self._decoded[value] = read_json(value)
        return self._decoded[value]
