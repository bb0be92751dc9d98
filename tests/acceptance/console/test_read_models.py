"""A read model is rebuilt by clicks and a reason; the page follows it without being asked."""

import pytest

from tests.support.stack.reader import Person

pytestmark = pytest.mark.system  # it needs Chromium


async def test_a_read_model_is_rebuilt_and_the_page_says_when(person: Person) -> None:
    await person.open("/projections")
    await person.click("link", "Rebuild product demand")
    await person.page.get_by_label("Reason").fill("the sums look odd")
    assert await person.severe_barriers() == []
    await person.click("button", "Rebuild")
    await person.page.wait_for_url("**/projections")
    await person.sees("the sums look odd")
    await person.sees("switched over")  # it renews itself
    assert person.clicks == 2
    assert await person.severe_barriers() == []
    assert await person.spilled() == []
