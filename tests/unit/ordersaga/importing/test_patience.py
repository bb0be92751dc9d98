"""Work that an outage interrupts is repeated, for a limited time and said once."""

import pytest

from eventstore.errors import NotAllowed, StoreUnavailable
from ordersaga.importing.patience import Patience


class Failing:
    """Raises its errors one after the other, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.left = list(errors)

    async def __call__(self) -> str:
        if self.left:
            raise self.left.pop(0)
        return "done"


async def test_an_outage_is_ridden_out_and_said_once() -> None:
    said: list[str] = []
    patience = Patience(said.append)
    for _ in range(2):
        assert await patience.repeat(Failing(StoreUnavailable("away"))) == "done"
    assert len(said) == 1


async def test_an_outage_that_lasts_too_long_is_raised() -> None:
    work = Failing(StoreUnavailable("first"), StoreUnavailable("second"))
    with pytest.raises(StoreUnavailable, match="second"):
        await Patience(longest_s=0.1).repeat(work)


async def test_what_does_not_come_right_by_itself_is_not_waited_for() -> None:
    said: list[str] = []
    with pytest.raises(NotAllowed):
        await Patience(said.append).repeat(Failing(NotAllowed("no right")))
    assert said == []
