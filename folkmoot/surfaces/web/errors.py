"""The closed list of errors as pages: a status, and the sentence for a person."""

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
from folkmoot.net.errors import TooSlow, Unexpected, WrongMethod
from folkmoot.surfaces.web import render

_STATUSES: tuple[tuple[type[FolkmootError], int], ...] = (
    (WrongMethod, 405),
    (TooSlow, 408),
    (Unexpected, 500),
    (Invalid, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (RateLimited, 429),
    (Unavailable, 503),
)
_TITLES = {
    400: "That cannot be read",
    401: "Sign in first",
    403: "Not for you",
    404: "Nothing here",
    405: "Not like that",
    409: "Out of step",
    429: "Too often",
    503: "Not now",
}


def answer(error: FolkmootError) -> Response:
    """The page about an error."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    headers: dict[str, str] = {}
    if isinstance(error, WrongMethod):
        headers["allow"] = ", ".join(error.allow)
    if isinstance(error, RateLimited) and error.retry_after_seconds > 0:
        headers["retry-after"] = str(int(error.retry_after_seconds) + 1)
    return render.notice(_TITLES.get(status, "Something went wrong"), error.message, status=status, headers=headers)
