from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.net.errors import UnknownPath, WrongMethod
from folkmoot.net.routing import Router

PATHS = [
    ("GET", "/"),
    ("GET", "/api/v5/clients"),
    ("GET", "/api/v5/clients/{clientid}"),
    ("DELETE", "/api/v5/clients/{clientid}"),
    ("POST", "/api/v5/clients/kickout/bulk"),
    ("GET", "/api/v5/clients/{clientid}/subscriptions"),
    ("POST", "/api/v5/clients/{id}/subscribe"),
    ("PUT", "/users/all"),
    ("GET", "/users/{id}"),
    ("GET", "/~{owner}/{space}"),
    ("GET", "/feeds/{name}.xml"),
    ("GET", "/feeds/all.xml"),
    ("GET", "/files/{rest:path}"),
    ("GET", "/{page}"),
]


def router(**options: bool) -> Router[str]:
    found = Router[str](**options)
    for method, path in PATHS:
        found.add(method, path, f"{method} {path}")
    return found


@pytest.mark.parametrize(
    ("method", "raw", "target", "values"),
    [
        ("GET", "/", "GET /", {}),
        ("HEAD", "/", "GET /", {}),
        ("GET", "/api/v5/clients", "GET /api/v5/clients", {}),
        ("GET", "/api/v5/%63lients", "GET /api/v5/clients", {}),
        ("GET", "/api/v5/clients/a", "GET /api/v5/clients/{clientid}", {"clientid": "a"}),
        ("HEAD", "/api/v5/clients/a", "GET /api/v5/clients/{clientid}", {"clientid": "a"}),
        ("GET", "/api/v5/clients/a%2Fb%23%2B", "GET /api/v5/clients/{clientid}", {"clientid": "a/b#+"}),
        ("GET", "/api/v5/clients/%252F", "GET /api/v5/clients/{clientid}", {"clientid": "%2F"}),
        ("GET", "/api/v5/clients/kickout", "GET /api/v5/clients/{clientid}", {"clientid": "kickout"}),
        ("POST", "/api/v5/clients/kickout/bulk", "POST /api/v5/clients/kickout/bulk", {}),
        (
            "GET",
            "/api/v5/clients/kickout/subscriptions",
            "GET /api/v5/clients/{clientid}/subscriptions",
            {"clientid": "kickout"},
        ),
        ("POST", "/api/v5/clients/x/subscribe", "POST /api/v5/clients/{id}/subscribe", {"id": "x"}),
        ("GET", "/users/all", "GET /users/{id}", {"id": "all"}),
        ("PUT", "/users/all", "PUT /users/all", {}),
        ("GET", "/~ann/talk", "GET /~{owner}/{space}", {"owner": "ann", "space": "talk"}),
        ("GET", "/%7Eann/talk", "GET /~{owner}/{space}", {"owner": "ann", "space": "talk"}),
        ("GET", "/feeds/talk.xml", "GET /feeds/{name}.xml", {"name": "talk"}),
        ("GET", "/feeds/all.xml", "GET /feeds/all.xml", {}),
        ("GET", "/files/a/b.css", "GET /files/{rest:path}", {"rest": "a/b.css"}),
        ("GET", "/%C3%A4", "GET /{page}", {"page": "ä"}),
    ],
)
def test_finds(method: str, raw: str, target: str, values: dict[str, str]) -> None:
    assert router().find(method, raw) == (target, values)


@pytest.mark.parametrize("raw", ["/nothing/here", "/api/v5/clients/", "//", "/api/v5/clients/a/", "/~/x/y"])
def test_unknown_path(raw: str) -> None:
    with pytest.raises(UnknownPath):
        router().find("GET", raw)


@pytest.mark.parametrize(
    ("method", "raw", "allow"),
    [
        ("POST", "/api/v5/clients/a", ("DELETE", "GET", "HEAD")),
        ("DELETE", "/users/all", ("GET", "HEAD", "PUT")),
        ("GET", "/api/v5/clients/kickout/bulk", ("POST",)),
    ],
)
def test_wrong_method_names_the_right_ones(method: str, raw: str, allow: tuple[str, ...]) -> None:
    with pytest.raises(WrongMethod) as caught:
        router().find(method, raw)
    assert caught.value.allow == allow


@pytest.mark.parametrize("raw", ["/%ff", "/%00", "/a%C3"])
def test_paths_that_are_no_text(raw: str) -> None:
    with pytest.raises(Invalid):
        router().find("GET", raw)


def test_trailing_slash_where_wanted() -> None:
    found = router(trailing_slash=True)
    assert found.find("GET", "/api/v5/clients/")[0] == "GET /api/v5/clients"
    assert found.find("GET", "/api/v5/clients/a/")[1] == {"clientid": "a"}
    assert found.find("GET", "/")[0] == "GET /"


@pytest.mark.parametrize("path", ["no/slash", "/{a}/{a}", "/{a:path}/b", "/x{a:path}", "/{A}", "/{a}{b}"])
def test_templates_that_cannot_be_read(path: str) -> None:
    with pytest.raises(ValueError):
        Router[str]().add("GET", path, "")


def test_a_pair_is_taken_once() -> None:
    with pytest.raises(ValueError):
        router().add("GET", "/api/v5/clients/{other}", "")


@given(st.sampled_from(["GET", "POST", "HEAD", "\0"]), st.text(alphabet="/ab%20~.xml\x00é", max_size=30))
def test_any_path_finds_or_raises_what_is_promised(method: str, raw: str) -> None:
    try:
        router().find(method, raw)
    except (UnknownPath, WrongMethod, Invalid):
        pass
