"""Coroutines as one operation: their error is raised as it was."""

import pytest

from projections.engine.concurrently import run_concurrently


async def test_the_first_error_keeps_what_caused_it() -> None:
    async def fails() -> None:
        raise RuntimeError("told") from OSError("why")

    with pytest.raises(RuntimeError, match="told") as caught:
        await run_concurrently([fails()])
    assert isinstance(caught.value.__cause__, OSError)
