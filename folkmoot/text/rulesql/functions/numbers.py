"""Arithmetic. What has no result (the root of -1) is an error, and the rule's `failed.exception`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..values import Number, bounded, integer, is_number, number, same, too_large, wrong
from .function import Function, takes


def real(run: Callable[[float], float]) -> Function:
    """A function of one real number."""
    return takes(lambda value: _real(run, value), 1)


def _real(run: Callable[..., float], *given: Any) -> float:
    try:
        return float(bounded(run(*[float(number(each)) for each in given])))
    except (ValueError, ZeroDivisionError) as error:
        raise wrong("This has no result.") from error
    except OverflowError as error:
        raise too_large("A number") from error


def whole(run: Callable[[float], int]) -> Function:
    """A function that makes a number whole."""
    return takes(lambda value: run(bounded(number(value))), 1)


def away_from_zero(value: float) -> int:
    """The nearest whole number; halves go away from zero."""
    if isinstance(value, int):
        return value
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def rest(dividend: Any, divisor: Any) -> int:
    """What a division of whole numbers leaves, with the sign of the dividend."""
    left, right = integer(dividend), integer(divisor)
    if not right:
        raise wrong("Nothing can be divided by zero.")
    return abs(left) % abs(right) * (1 if left >= 0 else -1)


def magnitude(value: Any) -> Number:
    """The number without its sign."""
    return abs(number(value))


def equals(left: Any, right: Any) -> bool:
    """Whether two values are equal and of one kind."""
    return same(left, right) and ((is_number(left) and is_number(right)) or type(left) is type(right))


FUNCTIONS = {
    "abs": takes(magnitude, 1),
    "acos": real(math.acos),
    "acosh": real(math.acosh),
    "asin": real(math.asin),
    "asinh": real(math.asinh),
    "atan": real(math.atan),
    "atanh": real(math.atanh),
    "ceil": whole(math.ceil),
    "cos": real(math.cos),
    "cosh": real(math.cosh),
    "exp": real(math.exp),
    "floor": whole(math.floor),
    "fmod": takes(lambda left, right: _real(math.fmod, left, right), 2),
    "log": real(math.log),
    "log10": real(math.log10),
    "log2": real(math.log2),
    "power": takes(lambda left, right: _real(math.pow, left, right), 2),
    "round": whole(away_from_zero),
    "sin": real(math.sin),
    "sinh": real(math.sinh),
    "sqrt": real(math.sqrt),
    "tan": real(math.tan),
    "tanh": real(math.tanh),
    "mod": takes(rest, 2),
    "eq": takes(equals, 2),
}
