"""The sources of a verification, from the services of the composition root."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ordersaga.errors import Unreachable
from ordersaga.operations.verification.report import Check, Finding, Rule
from ordersaga.operations.verification.sources import RunningSagas, Sources

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services


async def open_sources(services: "Services", skip: Collection[Check] = ()) -> Sources:
    """Everything that the settings lead to; what cannot be reached is named as missing."""
    import asyncpg
    from temporalio.service import RPCError

    from activities.ports import GatewayError
    from projections.errors import ProjectionError

    missing: dict[Check, str] = {}
    sagas = None
    if Check.SAGAS not in skip:
        try:
            sagas = await _sagas(services)
        except Unreachable as error:
            missing[Check.SAGAS] = str(error)
    return Sources(
        store=services.redacted_store,
        codec=services.codec,
        payments=services.payments(),
        carrier=services.carrier(),
        sagas=sagas,
        read_models=lambda: _read_models(services),
        missing=missing,
        unreachable=(GatewayError, RPCError, ProjectionError, asyncpg.PostgresError, OSError),
    )


async def _sagas(services: "Services") -> RunningSagas:
    from ordersaga.operations.sagas import running_sagas

    client = await services.temporal()

    async def running(workflow_ids: Collection[str]) -> set[str]:
        return await running_sagas(client, workflow_ids)

    return running


async def _read_models(services: "Services") -> Sequence[Finding]:
    from projections.operations.checking import check

    lines = await check(services.pool, services.redacted_store, services.codec)
    return [read_model_finding(line) for line in lines]


def read_model_finding(line: str) -> Finding:
    """A finding from a line such as ``current_orders: row 1 is missing``."""
    model, _, found = line.partition(": ")
    return Finding(Rule.READ_MODEL_EQUALS_FOLD, model, "the fold of the events", found)
