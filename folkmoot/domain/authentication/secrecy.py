"""Hides the secrets of a configuration in what is shown of it, and finds them again in what comes back unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "******"

_SECRET = re.compile(r"secret|passw|token|api[-_]?key|authorization|cookie|credential|keyfile", re.IGNORECASE)
# These have such a name and are none.
_PUBLIC = {"secret_base64_encoded", "password_hash_algorithm"}


def hide(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its secrets hidden; a text with a placeholder is none."""
    return {name: _hidden(name, value) for name, value in document.items()}


def _hidden(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return hide(value) if name not in _PUBLIC else value
    if isinstance(value, str) and value and "${" not in value and name not in _PUBLIC and _SECRET.search(name):
        return HIDDEN
    return value


def restore(document: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the secrets of the one before where they were hidden."""
    found = dict(document)
    for name, value in document.items():
        old = before.get(name)
        if value == HIDDEN and isinstance(old, str):
            found[name] = old
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            found[name] = restore(value, old)
    return found
