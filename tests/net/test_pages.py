from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import jinja2
import pytest
from starlette.requests import Request
from starlette.responses import Response

from folkmoot.errors import Forbidden
from folkmoot.net import http, pages
from tests.net.serving import PlainDialect, client_of


def request_with(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw})


@pytest.fixture
def environment(tmp_path: Path) -> jinja2.Environment:
    (tmp_path / "page.html").write_text("<p>{{ words }}</p>")
    return pages.template_environment(tmp_path)


def test_pages_are_escaped_and_guarded(environment: jinja2.Environment) -> None:
    async def show(call: http.Call) -> Any:
        return pages.html_page(
            environment.get_template("page.html"), {"words": "<script>&"}, status=201, headers={"referrer-policy": "x"}
        )

    async def run() -> None:
        async with client_of(http.bind([http.Operation("Show", "GET", "/", show)], PlainDialect(), None)) as client:
            answer = await client.get("/")
            assert (answer.status_code, answer.text) == (201, "<p>&lt;script&gt;&amp;</p>")
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "x"

    asyncio.run(run())


def test_a_name_the_page_was_not_given_is_an_error(environment: jinja2.Environment) -> None:
    with pytest.raises(jinja2.UndefinedError):
        pages.html_page(environment.get_template("page.html"), {})


def test_the_token_is_the_browsers_own() -> None:
    token = pages.csrf_token(request_with())
    assert pages.csrf_token(request_with()) != token
    response = Response()
    pages.set_csrf_cookie(response, token, secure=True)
    cookie = SimpleCookie(response.headers["set-cookie"])[pages.CSRF_COOKIE]
    assert (cookie.value, cookie["samesite"]) == (token, "lax")
    assert cookie["httponly"] and cookie["secure"]
    back = request_with(cookie=f"a=b; {pages.CSRF_COOKIE}={token}")
    assert pages.csrf_token(back) == token
    pages.require_csrf(back, token)


@pytest.mark.parametrize(
    ("cookie", "sent", "site"),
    [
        ("", "", "same-origin"),
        ("", "a" * 43, "same-origin"),
        ("a" * 43, None, "same-origin"),
        ("a" * 43, "", "same-origin"),
        ("a" * 43, "b" * 43, "same-origin"),
        ("a" * 43, "ä" * 43, "same-origin"),
        ("short", "short", "same-origin"),
        ("a" * 43, "a" * 43, "cross-site"),
        ("a" * 43, "a" * 43, "same-site"),
    ],
)
def test_forged_forms_are_refused(cookie: str, sent: str | None, site: str) -> None:
    with pytest.raises(Forbidden):
        pages.require_csrf(request_with(cookie=f"{pages.CSRF_COOKIE}={cookie}", sec_fetch_site=site), sent)
