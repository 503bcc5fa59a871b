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


def takes(run: Callable[..., Any], least: int, most: int | None = None, *, with_scope: bool = False) -> Function:
    """A function of `least` to `most` arguments; without `most`, of exactly `least`."""
    return Function(run, least, least if most is None else most, with_scope)
