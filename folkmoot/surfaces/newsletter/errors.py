"""The closed list of errors as this surface answers it: `{"message": …}` and a status (listmonk §1.2, §2)."""

from __future__ import annotations

from starlette.responses import Response

from folkmoot.errors import (
    Conflict,
    FolkmootError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from folkmoot.net.errors import TooSlow, Unexpected, UnknownPath, UnsupportedMedia, WrongMethod
from folkmoot.net.http import json_response

# The first that fits counts. Every failure to authenticate is 403 (listmonk §1.2).
_STATUSES: tuple[tuple[type[FolkmootError], int], ...] = (
    (UnsupportedMedia, 415),
    (WrongMethod, 405),
    (TooSlow, 408),
    (Unexpected, 500),
    (Invalid, 400),
    (Unauthenticated, 403),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (RateLimited, 429),
    (Unavailable, 503),
)


def status_of(error: FolkmootError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def answer(error: FolkmootError, path: str) -> Response:
    """The answer to an error that came up at a path."""
    message = error.message
    if isinstance(error, UnknownPath):
        # listmonk: only the API says which kind of thing is unknown
        message = "404 unknown endpoint" if path.startswith("/api/") else "Not Found"
    headers: dict[str, str] = {}
    if isinstance(error, WrongMethod):
        message = "Method Not Allowed"
        headers["allow"] = ", ".join(error.allow)
    if isinstance(error, RateLimited) and error.retry_after_seconds > 0:
        headers["retry-after"] = str(int(error.retry_after_seconds) + 1)
    return json_response({"message": message}, status_of(error), headers)
