"""HTML pages: the template environment, the headers every page carries, and the check against forged forms.

What a page shows is the surface's; here is what keeps it safe.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, Response

from folkmoot.errors import Forbidden

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}

CSRF_COOKIE = "folkmoot_csrf"
CSRF_FIELD = "_csrf"
_CSRF_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def template_environment(directory: Path) -> Environment:
    """Templates of one surface: everything is escaped, and a name the page was not given is an error."""
    return Environment(
        loader=FileSystemLoader(directory),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def html_page(
    template: Template, values: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A rendered page with the security headers; `headers` adds to them or replaces them."""
    return HTMLResponse(template.render(values), status, {**SECURITY_HEADERS, **(headers or {})})


def csrf_token(request: HTTPConnection) -> str:
    """The token for this browser's forms: the one it has, or a new one that `set_csrf_cookie` must give it."""
    token = request.cookies.get(CSRF_COOKIE, "")
    return token if _CSRF_TOKEN.fullmatch(token) else secrets.token_urlsafe(32)


def set_csrf_cookie(response: Response, token: str, *, secure: bool = False) -> None:
    """Give the browser its token; `secure` when the page is served over TLS."""
    response.set_cookie(CSRF_COOKIE, token, max_age=30 * 86400, path="/", httponly=True, samesite="lax", secure=secure)


def require_csrf(request: HTTPConnection, sent: str | None) -> None:
    """Check the form's token `sent` against the browser's cookie (double submit) and where the form comes from.

    Raises Forbidden.
    """
    token = request.cookies.get(CSRF_COOKIE, "")
    # A browser that says where it comes from must come from here.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise _forged()
    if not _CSRF_TOKEN.fullmatch(token) or not hmac.compare_digest(token.encode(), (sent or "").encode()):
        raise _forged()


def _forged() -> Forbidden:
    return Forbidden("form.forged", "This form is out of date or comes from elsewhere. Load the page again and retry.")
