"""Makes the sources of a verification from the services of the composition root."""

from collections.abc import Collection, Sequence
from functools import partial

import asyncpg
from temporalio.service import RPCError

from activities.ports import GatewayError
from ordersaga.bootstrap.wiring import Services
from ordersaga.errors import Unreachable
from ordersaga.operations.sagas import running_workflows
from ordersaga.operations.verification.report import Check, Finding, Rule
from ordersaga.operations.verification.sources import Sources
from projections.errors import ProjectionError
from projections.operations.checking import check


async def open_sources(services: Services, skip: Collection[Check] = ()) -> Sources:
    """All configured sources; unreachable ones are listed as missing."""
    missing: dict[Check, str] = {}
    sagas = None
    if Check.SAGAS not in skip:
        try:
            sagas = partial(running_workflows, await services.temporal())
        except Unreachable as error:
            missing[Check.SAGAS] = str(error)
    return Sources(
        store=services.redacted_store,
        codec=services.codec,
        payments=services.payments(),
        carrier=services.carrier(),
        installation=services.installation,
        sagas=sagas,
        read_models=lambda: _read_models(services),
        missing=missing,
        unreachable=(GatewayError, RPCError, ProjectionError, asyncpg.PostgresError, OSError),
    )


async def _read_models(services: Services) -> Sequence[Finding]:
    lines = await check(services.pool, services.redacted_store, services.codec)
    return [read_model_finding(line) for line in lines]


def read_model_finding(line: str) -> Finding:
    """A finding from a line such as ``current_orders: row 1 is missing``."""
    model, _, difference = line.partition(": ")
    return Finding(Rule.READ_MODEL_EQUALS_FOLD, model, "the fold of the events", difference)
