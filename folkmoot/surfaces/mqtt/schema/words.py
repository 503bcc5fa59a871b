"""Words and shapes that belong to no one subject."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: The version of the API's original that the answers name.
VERSION = "5.8.9"

Qos = Literal[0, 1, 2]
Bit = Literal[0, 1]


class Error(Struct):
    """The body of a failure. `reason` repeats `message`: the document's example and its text differ (contract §1.2)."""

    code: str
    message: str
    reason: str
