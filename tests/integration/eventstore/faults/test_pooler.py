"""A pooler that gives each transaction another session is recognised, and only that one."""

import asyncio
from typing import get_args

import pytest

from eventstore.postgres.pooler import is_transaction_pooled
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.pgbouncer import Mode, pooled


async def test_a_server_without_a_pooler_keeps_a_session_for_each_client(database: str) -> None:
    assert not await is_transaction_pooled(database)


@pytest.mark.system
@pytest.mark.parametrize("mode", get_args(Mode))
async def test_a_pooler_is_told_by_its_mode_also_beside_others_who_ask(
    database: str, postgres_server: EmbeddedPostgres, mode: Mode
) -> None:
    with pooled(postgres_server, mode) as pooler:
        url = pooler.through(database)
        answers = await asyncio.gather(*(is_transaction_pooled(url) for _ in range(6)))
    assert answers == [mode == "transaction"] * 6
