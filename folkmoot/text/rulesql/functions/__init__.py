"""The functions a statement may call, in a file per group (contract §2.13)."""

from __future__ import annotations

from folkmoot.errors import Invalid

from . import bits, codecs, conversions, kinds, lists, maps, messages, numbers, others, patterns, strings, times
from .function import Function
from .strings import joined

__all__ = ["NAMES", "Function", "find", "joined"]

_ALL: dict[str, Function] = {}
for _group in (messages, numbers, bits, conversions, kinds, strings, patterns, maps, lists, codecs, times, others):
    assert not _ALL.keys() & _group.FUNCTIONS.keys()
    _ALL |= _group.FUNCTIONS

NAMES = frozenset(_ALL)


def find(name: str, count: int) -> Function:
    """The function of this name for so many arguments. Raises Invalid if there is none."""
    function = _ALL.get(name)
    if function is None:
        raise Invalid("sql.function", f"There is no function {name}.", "sql")
    if not function.least <= count <= function.most:
        raise Invalid("sql.function", f"The function {name} does not take {count} arguments.", "sql")
    return function
