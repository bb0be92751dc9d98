"""A person logs in to the console with an issuer, in a real browser."""

import re
from pathlib import Path

import pytest

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.api.issuer import opened_issuer
from tests.support.api.shop import opened_api
from tests.support.stack.reader import WITHIN_MS, opened_browser
from tests.support.stack.stack import free_ports
from tests.support.stores.postgres import fresh_database

pytestmark = pytest.mark.system  # it needs Chromium

FOLDER = Path(__file__).parents[3] / "build" / "pictures" / "console"


def heard(complaints: list[str]) -> list[str]:
    """What the browser found wrong; the issuer has no icon, which Chromium asks for."""
    errors = [each for each in complaints if each.startswith("error: ")]
    return [each for each in errors if "Failed to load resource" not in each]


async def test_a_person_logs_in_sees_the_page_they_wanted_and_logs_out(
    postgres_server: EmbeddedPostgres,
) -> None:
    port = free_ports(1)[0]
    home = f"http://127.0.0.1:{port}/console"
    async with (
        opened_issuer() as provider,
        fresh_database(postgres_server) as database,
        opened_api(
            database, port=port, **provider.settings(oidc_redirect_uri=f"{home}/sign-in/return")
        ),
        opened_browser() as browser,
    ):
        page = await browser.new_page()
        page.set_default_timeout(WITHIN_MS)
        complaints: list[str] = []
        page.on("console", lambda each: complaints.append(f"{each.type}: {each.text}"))
        await page.goto(f"{home}/stock")
        FOLDER.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=FOLDER / "sign-in-oidc.png")
        await page.get_by_role("link", name="Log in with the shop").click()
        await page.get_by_role("button", name="Continue as Ann").click()
        await page.wait_for_url(f"{home}/stock")
        await page.get_by_label(re.compile("You: operator:oidc/f3a1")).click()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url(re.compile("/console/sign-in"))
        await page.goto(f"{home}/stock")
        await page.get_by_role("link", name="Log in with the shop").wait_for()
        assert heard(complaints) == []
