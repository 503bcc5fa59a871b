"""The closed list of what can go wrong in the domain.

Each error carries a stable code (`space.locked`), a sentence for a person, and the field it is about if there is one.
Status numbers and wire shapes are not known here: every surface maps this list in its own `errors.py`.
"""

from __future__ import annotations


class FolkmootError(Exception):
    """Something the caller can be told about."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r}, field={self.field!r})"


class Invalid(FolkmootError):
    """What was asked for cannot be understood or breaks a rule for values."""


class Unauthenticated(FolkmootError):
    """Nobody is known to be asking: the credential is missing, wrong or has ended."""


class Forbidden(FolkmootError):
    """The actor is known, sees the thing, and may not do this to it."""


class NotFound(FolkmootError):
    """The thing does not exist, or the actor may not see it, which is the same."""


class Conflict(FolkmootError):
    """The thing exists already, or has moved on since."""


class TooLarge(FolkmootError):
    """More than this is not taken; it was refused while being read."""


class RateLimited(FolkmootError):
    """The same actor or address asked too often."""

    def __init__(self, code: str, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(code, message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(FolkmootError):
    """Our side cannot do it now; trying again later is right."""
