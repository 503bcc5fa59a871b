from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

import folkmoot.surfaces.mqtt as mqtt
from folkmoot.surfaces.mqtt.routes import OPERATIONS, V5
from tests.surfaces.mqtt.management import Running, running, scenario

CHROMIUM = "/usr/bin/chromium"
README = Path(mqtt.__file__).with_name("README.md").read_text()
DONE = README.partition("## Left out")[0]
NAMED = re.compile(r"`((?:GET|POST|PUT|DELETE) /[^ `?]*)`")


def test_every_operation_is_in_the_readme_and_the_other_way_round() -> None:
    bound = {f"{each.method} {each.path.removeprefix(V5)}" for each in OPERATIONS}
    assert set(NAMED.findall(DONE)) - {"POST /api/v5/login"} == bound


def test_what_nobody_need_sign_in_for(tmp_path: Path) -> None:
    """Contract §1.3: the operations without authentication, and no others."""

    async def play(here: Running) -> None:
        open_to_all = {"Login", "GetStatus", "ListErrorCodes", "GetErrorCode", "GetFormSchema"}
        open_to_all |= {"GetPrometheusStats", "GetPrometheusAuth", "GetPrometheusDataIntegration"}
        for operation in OPERATIONS:
            path = re.sub(r"\{\w+\}", "BAD_TOPIC", operation.path)
            answer = await here.rest.request(operation.method, path, content=b"{}")
            assert (answer.status_code != 401) == (operation.name in open_to_all), operation.name
        assert (await here.rest.get("/api-docs/swagger.json")).status_code == 200
        assert (await here.rest.get("/")).headers["location"] == "/api-docs/index.html"

    scenario(tmp_path, play)


def test_the_document_describes_the_table(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        described = (await here.rest.get("/api-docs/swagger.json")).json()
        assert described["openapi"] == "3.0.0"
        assert described["servers"] == [{"url": V5}]
        assert set(described["components"]["securitySchemes"]) == {"basicAuth", "bearerAuth"}
        found = {
            (method.upper(), path, one["operationId"])
            for path, methods in described["paths"].items()
            for method, one in methods.items()
        }
        assert found == {(each.method, each.path.removeprefix(V5), each.name) for each in OPERATIONS}
        names = {each["name"] for each in described["paths"]["/clients"]["get"]["parameters"]}
        assert {"page", "limit", "like_clientid", "gte_connected_at", "fields"} <= names

    scenario(tmp_path, play)


@contextmanager
def running_in_thread(directory: Path) -> Iterator[str]:
    """The address of the management API, served from another thread."""
    ready, addresses = threading.Event(), list[str]()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        async with running(directory) as here:
            addresses.append(str(here.rest.base_url).rstrip("/"))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
        loop.close()


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")
def test_a_browser_tries_the_api_without_any_outside_address(tmp_path: Path) -> None:
    with running_in_thread(tmp_path) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(http_credentials={"username": "admin", "password": "public"})
        asked, troubles = list[str](), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{origin}/api-docs/")
        operation = page.locator("#operations-Nodes-ListNodes")
        operation.click()
        operation.get_by_text("Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        operation.get_by_text("emqx@127.0.0.1").first.wait_for()
        browser.close()
    assert f"{origin}/api/v5/nodes" in asked
    assert [url for url in asked if not url.startswith((f"{origin}/", "data:"))] == []
    assert troubles == []
