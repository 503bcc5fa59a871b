"""The closed list of errors as this surface answers it: `{"errors": [{"reason", "field"}]}`, or a page outside the API.

Contract §1.3, §1.4.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from folkmoot.net.errors import TooSlow, Unexpected, UnsupportedMedia, WrongMethod
from folkmoot.net.http import json_response
from folkmoot.net.pages import html_page
from folkmoot.surfaces.lists import render
from folkmoot.surfaces.lists.schema import Error, Errors

# The first that fits counts. What exists already is a bad value here.
_STATUSES: tuple[tuple[type[FolkmootError], int], ...] = (
    (UnsupportedMedia, 415),
    (WrongMethod, 405),
    (TooSlow, 408),
    (Unexpected, 500),
    (Invalid, 400),
    (Conflict, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooLarge, 413),
    (RateLimited, 429),
    (Unavailable, 503),
)


class InvalidFields(Invalid):
    """Several values of one request are wrong; contract §1.4: one answer names them all."""

    def __init__(self, errors: Sequence[Error]) -> None:
        super().__init__("request.fields", errors[0].reason, errors[0].field)
        self.errors = tuple(errors)


def status_of(error: FolkmootError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def answer(error: FolkmootError, path: str) -> Response:
    """The answer to an error that came up at a path."""
    status = status_of(error)
    headers = _headers(error)
    if not path.startswith(("/api", "/query")):
        values = {"title": "Not here" if status == 404 else "Sorry", "message": error.message, "status": status}
        return html_page(render.TEMPLATES.get_template("error.html"), values, status=status, headers=headers)
    listed = error.errors if isinstance(error, InvalidFields) else (Error(error.message, error.field),)
    return json_response(Errors(list(listed)), status, headers)


def _headers(error: FolkmootError) -> dict[str, str]:
    if isinstance(error, WrongMethod):
        return {"allow": ", ".join(error.allow)}
    if isinstance(error, RateLimited) and error.retry_after_seconds > 0:
        return {"retry-after": str(int(error.retry_after_seconds) + 1)}
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    return {}
