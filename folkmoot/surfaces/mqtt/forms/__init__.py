"""Settings as the API writes them: what each key may say, what it says by itself, and the value it means. Pure.

A *document* is what an operator sees and sends: nested objects with words such as `15s`, `1MB` or `infinity`. `Forms` is the
tree of what may stand there; it turns a document into plain values (seconds, bytes, None for infinite) or says what is wrong
and where. Documents are kept as they were written, so that what was set is what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from folkmoot.errors import Invalid
from folkmoot.text import amounts

#: Instead of a default: the key is not shown until it is set.
ABSENT: Any = object()
#: What is shown instead of a secret; when it comes back, the secret stays.
MASK = "******"

Document = dict[str, Any]
_LONGEST = 65_536
_MOST = 1 << 53


class Form(NamedTuple):
    """What one key may say. `read` returns the value or raises ValueError or Invalid saying what is wrong."""

    default: Any
    read: Callable[[Any], Any]
    is_secret: bool = False


Forms = Mapping[str, Any]
"""Key → Form, or Forms for a nested object."""


# --- documents ------------------------------------------------------------------------------------------------------------


def defaults(forms: Forms) -> Document:
    """What everything says by itself."""
    found: Document = {}
    for key, form in forms.items():
        if not isinstance(form, Form):
            found[key] = defaults(form)
        elif form.default is not ABSENT:
            found[key] = form.default
    return found


def merged(forms: Forms, document: Document, patch: Document) -> Document:
    """The document with what the patch says; whole values are replaced, objects merged key by key."""
    found = dict(document)
    for key, value in patch.items():
        form = forms.get(key)
        if isinstance(form, Form):
            if not (form.is_secret and value == MASK):
                found[key] = value
        elif form is not None and isinstance(value, dict):
            found[key] = merged(form, document.get(key, {}), value)
        else:
            found[key] = value
    return found


def difference(forms: Forms, document: Document, start: Document) -> Document:
    """The smallest patch that makes `document` of `start`."""
    found: Document = {}
    for key, value in document.items():
        form = forms.get(key)
        if form is not None and not isinstance(form, Form):
            inner = difference(form, value, start.get(key, {}))
            if inner:
                found[key] = inner
        elif key not in start or start[key] != value:
            found[key] = value
    return found


def shown(forms: Forms, document: Document) -> Document:
    """The document without its secrets."""
    found: Document = {}
    for key, value in document.items():
        form = forms.get(key)
        if isinstance(form, Form):
            found[key] = MASK if form.is_secret and value else value
        else:
            found[key] = shown(form, value) if form is not None else value
    return found


def values(forms: Forms, document: Any, path: str = "") -> dict[str, Any]:
    """What a document means, of the keys it has. Raises Invalid naming the key, also for one that is not known."""
    if not isinstance(document, dict):
        raise Invalid("setting.value", "Expected an object.", path or None)
    found: dict[str, Any] = {}
    for key, value in document.items():
        place = f"{path}.{key}" if path else str(key)
        form = forms.get(key)
        if form is None:
            raise Invalid("setting.unknown", "There is no such setting.", place)
        if not isinstance(form, Form):
            found[key] = values(form, value, place)
            continue
        try:
            found[key] = form.read(value)
        except Invalid as error:
            inner = f"{place}.{error.field}" if error.field else place
            raise Invalid("setting.value", error.message, inner) from error
        except ValueError as error:
            raise Invalid("setting.value", f"{error}", place) from error
    return found


# --- what a key may say ---------------------------------------------------------------------------------------------------


def flag(default: Any) -> Form:
    """True or false."""
    return Form(default, _flag)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("Expected true or false.")


def integer(default: Any, least: int = 0, most: int = _MOST, off: str | None = None) -> Form:
    """A whole number, or the word for None."""

    def read(value: Any) -> int | None:
        if off is not None and value == off:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"Expected a whole number from {least} to {most}{_or(off)}.")
        return value

    return Form(default, read)


def number(default: Any, least: float, most: float) -> Form:
    """A number that need not be whole."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"Expected a number from {least:g} to {most:g}.")
        return float(value)

    return Form(default, read)


def duration(default: Any, least: float = 0.0, most: float = 4e9, off: str | None = None) -> Form:
    """Seconds, written as `15s`, or the word for None."""

    def read(value: Any) -> float | None:
        if off is not None and value == off:
            return None
        seconds = amounts.parse_duration(_text_or_number(value))
        if not least <= seconds <= most:
            shortest, longest = amounts.format_duration(least), amounts.format_duration(most)
            raise ValueError(f"Expected a duration from {shortest} to {longest}.")
        return seconds

    return Form(default, read)


def size(default: Any, least: int = 0, most: int = _MOST, off: str | None = None) -> Form:
    """Bytes, written as `1MB`, or the word for None."""

    def read(value: Any) -> int | None:
        if off is not None and value == off:
            return None
        found = amounts.parse_size(_text_or_number(value))
        if not least <= found <= most:
            raise ValueError(f"Expected a size from {amounts.format_size(least)} to {amounts.format_size(most)}.")
        return found

    return Form(default, read)


def share(default: Any) -> Form:
    """A part of the whole, written as `80%`."""
    return Form(default, lambda value: amounts.parse_share(_text_or_number(value)))


def rate(default: Any) -> Form:
    """How many per second, written as `1000/s`; None is infinite."""
    return Form(default, lambda value: None if value == "infinity" else amounts.parse_rate(str(value)))


def word(default: Any, *choices: str) -> Form:
    """One of some words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"Expected one of {', '.join(choices)}.")
        return value

    return Form(default, read)


def text(default: Any, longest: int = _LONGEST, is_secret: bool = False) -> Form:
    """Any text up to a length."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or "\0" in value:
            raise ValueError(f"Expected a text of at most {longest} characters.")
        return value

    return Form(default, read, is_secret)


def texts(default: Sequence[str], *choices: str) -> Form:
    """A list of texts, each one of the choices if there are any."""

    def read(value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(each, str) and len(each) <= _LONGEST for each in value):
            raise ValueError("Expected a list of texts.")
        for each in value:
            if choices and each not in choices:
                raise ValueError(f"Expected only {', '.join(choices)}.")
        return list(value)

    return Form(list(default), read)


def _text_or_number(value: Any) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("Expected a text or a number.")
    return value


def _or(off: str | None) -> str:
    return f" or {off}" if off is not None else ""
