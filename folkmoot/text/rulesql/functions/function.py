"""How a function is described, and a short way to describe many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

MANY = 100


class Function(NamedTuple):
    """What it does and how many arguments it takes; with `with_scope` the scope comes before them."""

    run: Callable[..., Any]
    least: int
    most: int
    with_scope: bool = False
    shift: int = 6
    """How much work a text is: its length shifted so far to the right."""
    is_shallow: bool = False
    """It does not look into what stands in lists and maps."""


def takes(
    run: Callable[..., Any],
    least: int,
    most: int | None = None,
    *,
    with_scope: bool = False,
    shift: int = 6,
    is_shallow: bool = False,
) -> Function:
    """A function of `least` to `most` arguments; without `most`, of exactly `least`."""
    return Function(run, least, least if most is None else most, with_scope, shift, is_shallow)


def structural(functions: dict[str, Function]) -> dict[str, Function]:
    """The same functions as of lists and maps: text is read as JSON, which is more work; what is in them is not looked at."""
    return {name: each._replace(shift=4, is_shallow=True) for name, each in functions.items()}
