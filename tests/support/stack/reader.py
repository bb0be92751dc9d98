"""A person at the console: Debian's Chromium, driven by Playwright, on the pages of a stack."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from ordersaga.console.address import entrance
from ordersaga.embedded.api_token import read_api_token
from tests.support.stack.stack import Up

WITHIN_MS: Final = 90_000
WIDTHS: Final = (390, 1024, 1600)
_SEVERE: Final = frozenset({"serious", "critical"})
_SIDEWAYS: Final = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_CUT: Final = """
() => [...document.querySelectorAll("h1, h2, button, .badge, .button, th, dt, .tile .value")]
  .filter((each) => each.offsetParent && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.textContent.trim())
"""


@asynccontextmanager
async def opened_browser() -> AsyncIterator[Browser]:
    """Chromium as the system has it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "no chromium: `make packages` installs it"
    async with async_playwright() as playwright:
        # As root, as in a container, Chromium has no sandbox of its own.
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        await browser.close()


class Person:
    """Somebody who is signed in, and counts clicks.

    Attributes:
        page: what they look at.
        clicks: since they began with a case.
        complaints: what the browser's console and the pages' scripts reported as wrong.
    """

    def __init__(self, page: Page, root: str) -> None:
        self.page = page
        self.clicks = 0
        self.complaints: list[str] = []
        self._root = root
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)

    async def open(self, path: str) -> None:
        """Open a page by its address."""
        await self.page.goto(f"{self._root}{path}")

    async def click(self, role: Any, name: str, *, exact: bool = True) -> None:
        """Click a link or button that has this name."""
        self.clicks += 1
        await self.page.get_by_role(role, name=name, exact=exact).first.click()

    async def act(self, act: str, reason: str) -> None:
        """Act on the order that is open: the button, the reason, the button of the form."""
        await self.click("link", act)
        await self.page.get_by_label("Reason").fill(reason)
        await self.click("button", act)
        await self.page.wait_for_url("**done=*")

    async def sees(self, text: str) -> None:
        """Wait until the page says something."""
        await self.page.get_by_text(text).first.wait_for()

    async def severe_barriers(self) -> list[str]:
        """What axe finds serious or critical on the page."""
        results = await Axe().run(self.page)
        return [
            f"{each['id']}: {[node['target'] for node in each['nodes']][:3]}"
            for each in results.response["violations"]
            if each["impact"] in _SEVERE
        ]

    async def spilled(self) -> list[str]:
        """What is cut, and whether the page scrolls sideways."""
        cut: list[str] = await self.page.evaluate(_CUT)
        is_wide = await self.page.evaluate(_SIDEWAYS)
        return cut + (["the page scrolls sideways"] if is_wide else [])


@asynccontextmanager
async def signed_in(browser: Browser, up: Up, **options: Any) -> AsyncIterator[Person]:
    """Somebody who has opened the address that `ordersaga up` prints."""
    state = up.state()
    token = read_api_token(state.api_token_file)
    context = await browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC"} | options)
    person = Person(await context.new_page(), f"{state.api_url}/console")
    await person.page.goto(entrance(state.api_url, token))
    await person.page.get_by_role("button", name="Sign in").click()
    await person.page.get_by_role("heading", name="Today").wait_for()
    try:
        yield person
    finally:
        await context.close()
