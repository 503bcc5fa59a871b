from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from playwright.sync_api import sync_playwright

from folkmoot.net import http, openapi
from tests.net.serving import PlainDialect, client_of
from tests.net.threaded import served_in_thread

CHROMIUM = "/usr/bin/chromium"


class Inner(msgspec.Struct):
    """What stands inside."""

    id: int


class Listing(msgspec.Struct):
    needed: str
    page: Annotated[int, msgspec.Meta(gt=0)] = 1
    tags: list[str] = []
    sort: Literal["Hot", "New"] = "Hot"


class Thing(msgspec.Struct, rename={"kind": "type"}):
    kind: Literal["thing"]
    inner: Inner | None
    count: int | None = None
    since: datetime | None = None
    pair: tuple[int, str] = (1, "")
    either: int | str | None = None
    inner_again: Inner = msgspec.field(default_factory=lambda: Inner(1))


class Failure(msgspec.Struct):
    code: str


async def handler(call: http.Call) -> Any:
    return []


TABLE = [
    http.Operation("ListThings", "GET", "/api/things", handler, request=Listing, response=list[Thing], tag="Things"),
    http.Operation("MakeThing", "POST", "/api/things", handler, request=Thing, response=Thing, status=201),
    http.Operation("DropThing", "DELETE", "/api/things/{key}", handler, status=204, permission="admin"),
    http.Operation("GetFile", "GET", "/files/{rest:path}", handler, summary="One file"),
]


def described() -> dict[str, Any]:
    return openapi.document(
        TABLE,
        title="Things <&>",
        version="1",
        server="/api",
        security_schemes={"basicAuth": {"type": "http", "scheme": "basic"}},
        security=lambda operation: [{"basicAuth": []}] if operation.permission else [],
        failures=lambda operation: {400: Failure},
    )


def test_paths_parameters_bodies_and_security() -> None:
    paths = described()["paths"]
    assert list(paths) == ["/things", "/things/{key}", "/files/{rest}"]
    listed = paths["/things"]["get"]
    assert listed["operationId"] == "ListThings" and listed["tags"] == ["Things"] and listed["security"] == []
    assert [(each["name"], each["in"], each["required"]) for each in listed["parameters"]] == [
        ("needed", "query", True),
        ("page", "query", False),
        ("tags", "query", False),
        ("sort", "query", False),
    ]
    made = paths["/things"]["post"]
    assert made["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}
    assert list(made["responses"]) == ["201", "400"]
    dropped = paths["/things/{key}"]["delete"]
    assert dropped["security"] == [{"basicAuth": []}]
    assert dropped["parameters"] == [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}]
    assert "content" not in dropped["responses"]["204"]


def test_schemas_speak_openapi_3_0() -> None:
    found = described()["components"]["schemas"]
    thing = found["Thing"]["properties"]
    assert thing["type"] == {"enum": ["thing"]}
    assert thing["inner"] == {"nullable": True, "anyOf": [{"$ref": "#/components/schemas/Inner"}]}
    assert thing["count"] == {"nullable": True, "type": "integer", "default": None}
    assert thing["either"]["nullable"] and len(thing["either"]["anyOf"]) == 2
    assert thing["inner_again"].get("$ref") or thing["inner_again"]["allOf"]
    words = str(found)
    for word in ("'null'", "'const'", "prefixItems"):
        assert word not in words
    page = described()["paths"]["/things"]["get"]["parameters"][1]["schema"]
    assert page["exclusiveMinimum"] is True and page["minimum"] == 0


def app() -> Any:
    routes = openapi.swagger_routes(
        "/api-docs/index.html", "/api-docs/swagger.json", described()["info"]["title"], described
    )
    return http.bind(TABLE, PlainDialect(), None, extra_routes=routes)


def test_the_page_and_its_files() -> None:
    async def run() -> None:
        async with client_of(app()) as client:
            page = await client.get("/api-docs/index.html")
            assert "Things &lt;&amp;>" in page.text
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert (await client.get("/api-docs/swagger.json")).json() == json.loads(json.dumps(described()))
            script = await client.get("/api-docs/swagger-ui-bundle.js")
            assert script.headers["content-type"].startswith("text/javascript") and len(script.content) > 100_000
            for path in ("/api-docs", "/api-docs/"):
                assert (await client.get(path)).headers["location"] == "/api-docs/index.html"
            for path in ("/api-docs/other.js", "/api-docs/..%2Fpages.py", "/api-docs/%2e%2e/x"):
                assert (await client.get(path)).status_code == 404

    asyncio.run(run())


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")
def test_a_browser_shows_it_without_any_outside_address() -> None:
    with served_in_thread(app()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        asked, troubles = list[str](), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"http://{address}/api-docs/")
        page.get_by_text("One file").wait_for()
        page.locator("#operations-Things-ListThings").click()
        page.get_by_text("Try it out").wait_for()
        browser.close()
    assert len(asked) > 4
    assert [url for url in asked if not url.startswith((f"http://{address}/", "data:"))] == []
    assert troubles == []


def test_two_operations_with_one_request_type() -> None:
    table = [http.Operation(name, "GET", f"/{name}", handler, request=Listing) for name in ("a", "b")]
    assert len(openapi.document(table, title="", version="")["paths"]) == 2


@pytest.mark.parametrize("server", ["/", "/other"])
def test_paths_that_are_not_below_the_server_stay_whole(server: str) -> None:
    assert "/api/things" in openapi.document(TABLE, title="", version="", server=server)["paths"]
