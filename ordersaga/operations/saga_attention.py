"""Sagas in a list, with what Temporal alone cannot say: why they need a person, and lost ones."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from temporalio.client import Client

from domain.ids import OrderId, order_stream
from ordersaga.findings.attention import orders_needing_attention
from ordersaga.operations.saga_views import ListedSaga, SagaFilter
from ordersaga.operations.sagas import AT_ONCE, list_sagas, listed
from ordersaga.operations.temporal_runs import find_run
from projections.engine.projection import Pool

_NAMED: Final = 200  # ids in a visibility query


async def list_sagas_with_attention(
    pool: Pool, client: Client, conditions: SagaFilter
) -> list[ListedSaga]:
    """The sagas that `conditions` select; those that need attention include orders without one.

    Raises:
        WrongUsage: as `list_sagas`.
    """
    sagas = await list_sagas(client, conditions)
    if not conditions.needs_attention:
        return _with_reasons(
            sagas, await orders_needing_attention(pool, [saga.order_id for saga in sagas])
        )
    reasons = await orders_needing_attention(pool)
    others = sorted(reasons.keys() - {saga.order_id for saga in sagas})
    sagas += await _chosen(client, others, conditions)
    return _with_reasons(sagas, reasons)[: conditions.limit]


def _with_reasons(sagas: Sequence[ListedSaga], reasons: dict[str, str]) -> list[ListedSaga]:
    return [
        replace(saga, needs_attention=True, attention=reasons[saga.order_id])
        if saga.order_id in reasons
        else saga
        for saga in sagas
    ]


async def _chosen(
    client: Client, order_ids: Sequence[str], conditions: SagaFilter
) -> list[ListedSaga]:
    """The latest runs of these orders that meet the other conditions."""
    if conditions.order_status or conditions.step or conditions.condition:
        return await _filtered(client, order_ids[:_NAMED], conditions)
    slots = asyncio.Semaphore(AT_ONCE)

    async def latest(order_id: str) -> ListedSaga:
        async with slots:
            run = await find_run(client, order_stream(OrderId(order_id)))
        return listed(run) if run else ListedSaga(order_id, "none", None, None, True, None, None)

    sagas = await asyncio.gather(*map(latest, order_ids[: conditions.limit]))
    return [saga for saga in sagas if not conditions.running or saga.is_open]


async def _filtered(
    client: Client, order_ids: Collection[str], conditions: SagaFilter
) -> list[ListedSaga]:
    if not order_ids:
        return []
    ids = ", ".join(f"'{order_stream(OrderId(order_id))}'" for order_id in order_ids)
    also = f" AND ({conditions.condition})" if conditions.condition else ""
    named = replace(
        conditions, needs_attention=False, limit=None, condition=f"WorkflowId IN ({ids}){also}"
    )
    latest: dict[str, ListedSaga] = {}
    for saga in await list_sagas(client, named):  # most recently started first
        latest.setdefault(saga.order_id, saga)
    return list(latest.values())
