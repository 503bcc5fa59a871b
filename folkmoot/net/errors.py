"""What can go wrong around an HTTP request before a handler runs, or when it fails in a way nobody foresaw.

Every one is also an error of the closed list, so a surface that maps only that list still answers sensibly; a surface
that wants the exact status (404, 405, 408, 415) tests for these first.
"""

from __future__ import annotations

from collections.abc import Iterable

from folkmoot.errors import FolkmootError, Invalid, NotFound


class UnknownPath(NotFound):
    """No operation has this path."""

    def __init__(self) -> None:
        super().__init__("path.unknown", "There is nothing at this address.")


class WrongMethod(FolkmootError):
    """The path exists, but not with this method; `allow` names the methods it has."""

    def __init__(self, allow: Iterable[str]) -> None:
        super().__init__("method.wrong", "This address does not take that method.")
        self.allow = tuple(allow)


class UnsupportedMedia(Invalid):
    """The body is of a type that this operation does not read."""

    def __init__(self, content_type: str) -> None:
        super().__init__("body.type", f"A body of type {content_type or '(none)'} is not read here.")


class TooSlow(Invalid):
    """The request did not arrive in the time allowed for it."""

    def __init__(self) -> None:
        super().__init__("request.slow", "The request did not arrive in time.")


class Unexpected(FolkmootError):
    """Our defect. The trace is in the log and nowhere else."""

    def __init__(self) -> None:
        super().__init__("internal", "Something went wrong on our side.")
