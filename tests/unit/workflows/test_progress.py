"""People can read where a workflow stands, whatever it waits for."""

from datetime import UTC, datetime

import pytest

from activities.failures import Trouble
from workflows.common.search_attributes import Progress, Waiting


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_is_said_with_what_will_happen(trouble: Trouble) -> None:
    waiting = Waiting(trouble, datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "it said no", "a call")
    progress = Progress("processing", waiting={"process_payment": waiting})
    assert "since 2026-03-01 09:30 UTC (it said no); " in progress.sentence
    [shown] = progress.waiting_json()
    assert shown["trouble"] == trouble.value
    assert shown["plan"].endswith("; a call")
    assert len(shown["plan"]) > len("; a call")
