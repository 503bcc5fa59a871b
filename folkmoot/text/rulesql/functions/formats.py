"""`sprintf`: values in a text, with Erlang's signs (`~s`, `~p`, `~.2f`, …)."""

from __future__ import annotations

import re
from typing import Any

from ..values import TEXT_MAX, integer, number, text, too_large, wrong

# ~F.P.PadModC: width, precision, padding, modifiers, control
_SIGN = re.compile(r"~(?:(-?\d+)?(?:\.(\d+))?(?:\.(.))?)(?:[tlK]*)([a-zA-Z~#+])", re.DOTALL)
_WIDTH_MAX = 65_536
_DIGITS_MAX = 253


def sprintf(template: Any, *given: Any) -> str:
    """The text with the values in place of the signs, in order. Raises Invalid for too few, too many or unfit ones."""
    left = list(given)
    size = 0

    def one(match: re.Match[str]) -> str:
        nonlocal size
        found = _written(match, left)
        size += len(found)
        if size > TEXT_MAX:
            raise too_large("The text")
        return found

    made = _SIGN.sub(one, text(template))
    if left:
        raise wrong("There are more values than places for them.")
    return made


def _written(match: re.Match[str], left: list[Any]) -> str:
    width, precision, padding, control = match.groups()
    size = abs(int(width[:8])) if width and width != "-" else 0
    if size > _WIDTH_MAX or (precision and len(precision) > 5):
        raise too_large("The text")
    if control == "~":
        return "~"
    if control == "n":
        return "\n" * max(1, size)
    if not left:
        raise wrong("There are fewer values than places for them.")
    if control == "i":
        left.pop(0)
        return ""
    found = _one(control, left.pop(0), None if precision is None else int(precision))
    fill = padding or " "
    return found.ljust(size, fill) if width and width.startswith("-") else found.rjust(size, fill)


def _one(control: str, value: Any, precision: int | None) -> str:
    match control:
        case "s":
            return text(value) if precision is None else text(value)[:precision]
        case "p" | "w":
            return f'<<"{value}">>' if isinstance(value, str) else text(value)
        case "b" | "B" | "x" | "X" | "#" | "+":
            return _in_base(integer(value), precision or 10, control)
        case "f" | "e" | "g":
            digits = min(_DIGITS_MAX, 6 if precision is None else precision)
            return format(float(number(value)), f".{digits}{control}")
        case "c":
            code = integer(value)
            if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise wrong("This is no character.")
            return chr(code) * (precision or 1)
    raise wrong(f"~{control} means nothing.")


def _in_base(value: int, radix: int, control: str) -> str:
    if not 2 <= radix <= 36:
        raise wrong("Numbers are written with 2 to 36 digits.")
    digits, left = "", abs(value)
    while left or not digits:
        left, digit = divmod(left, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    prefix = f"{radix}#" if control in "#+" else ""
    return ("-" if value < 0 else "") + prefix + (digits if control in "bx+" else digits.upper())
