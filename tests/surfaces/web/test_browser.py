"""The pages in a real browser: they render, ask nobody else for anything, run nothing, and their forms work."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from folkmoot.domain import outbox
from folkmoot.store import SqliteEngine
from tests.surfaces.web.town import HOSTILE, Town, catch_mail, town_in_thread

CHROMIUM = os.environ.get("FOLKMOOT_TEST_CHROMIUM", "/usr/bin/chromium")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


class Visit:
    """A browser's visit to the town, with everything it asked for and everything it complained about."""

    def __init__(self, browser: Browser, town: Town, loop: asyncio.AbstractEventLoop) -> None:
        self.town = town
        self.loop = loop
        self.origin = f"http://{town.address}"
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._complain)

    def _complain(self, dialog: Any) -> None:
        self.complaints.append("a script ran")
        dialog.dismiss()

    def go(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def read(self, call: Callable[..., Any], *arguments: object) -> Any:
        """What a query finds in the town's database."""
        future = asyncio.run_coroutine_threadsafe(self.town.house.db.read(call, *arguments), self.loop)
        return future.result(10)

    def write(self, call: Callable[..., Any], *arguments: object) -> Any:
        """Change the town's database."""
        future = asyncio.run_coroutine_threadsafe(self.town.house.db.write(call, *arguments), self.loop)
        return future.result(10)

    def check(self) -> None:
        assert self.asked and all(url.startswith(self.origin + "/") for url in self.asked), self.asked
        assert self.complaints == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def visit_in(browser: Browser, directory: Path) -> Iterator[Visit]:
    with town_in_thread(SqliteEngine(directory / "community.db"), demo=True) as (town, loop):
        visit = Visit(browser, town, loop)
        try:
            yield visit
            visit.check()
        finally:
            visit.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_the_first_page_fits_and_is_styled(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    with visit_in(browser, tmp_path) as visit:
        visit.write(visit.town.post, "A title without a place to break " + "x" * 150, "y" * 600)
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visit.go("/")
        assert visit.page.locator("h1").inner_text() == "Little town"
        assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(each) for each in ground.removeprefix("rgb(").removesuffix(")").split(","))
        assert brightness > 600 if scheme == "light" else brightness < 150
        visit.page.locator("#doors pre").first.click()
        assert "ListCategories" in visit.page.evaluate("getSelection().toString()")


def test_hostile_words_run_nothing(browser: Browser, tmp_path: Path) -> None:
    with visit_in(browser, tmp_path) as visit:
        visit.write(visit.town.post, HOSTILE, HOSTILE + "\u202e")
        visit.write(
            catch_mail, HOSTILE, HOSTILE + " javascript:alert(3) http://x.org/'onmouseover='alert(4)", ["a@x.org"]
        )
        visit.go("/")
        assert HOSTILE in visit.page.locator("#talk").inner_text()
        visit.go("/mail")
        visit.page.get_by_role("link", name=HOSTILE).click()
        assert HOSTILE in visit.page.locator(".letter").inner_text()
        hrefs = visit.page.eval_on_selector_all("a", "links => links.map(each => each.href)")
        assert not [each for each in hrefs if each.startswith("javascript:")]
        assert visit.page.locator("[onmouseover], [onerror], main script").count() == 0


def test_somebody_finds_and_changes_their_subscriptions(browser: Browser, tmp_path: Path) -> None:
    with visit_in(browser, tmp_path) as visit:
        page = visit.page
        visit.go("/subscriptions")
        page.get_by_label("Your mail address").fill("reader@example.org")
        page.get_by_role("button", name="Mail me the link").click()
        assert "a link is on its way" in page.get_by_role("status").inner_text()
        visit.go("/")
        page.get_by_role("link", name="Your subscriptions at Little town").click()
        page.locator(".letter a").click()
        assert page.get_by_label("Every message by mail").is_checked()
        page.get_by_label("Every message by mail").uncheck()
        page.get_by_label("Follow in the forum").check()
        page.get_by_role("button", name="Save").click()
        assert page.get_by_role("status").inner_text() == "Saved: 2 changes."
        assert visit.read(visit.town.channels) == {"forum": True, "mail": False, "newsletter": True}
        visit.go(visit.town.unsubscribe_path("newsletter"))
        page.get_by_role("button", name="Unsubscribe").click()
        assert page.locator("h1").inner_text() == "Done"
        assert visit.read(visit.town.channels) == {"forum": True, "mail": False, "newsletter": False}
        assert len(visit.read(outbox.list_mails, 10)) == 1
