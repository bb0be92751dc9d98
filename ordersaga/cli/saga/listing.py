"""`ordersaga saga list|show`: which sagas run, and what they wait for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType

from domain.ids import OrderId
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import NeedsAttention, OrderArgument, Services
from ordersaga.cli.saga.options import Condition, Status, StepName
from ordersaga.display.tables import Columns, clock, make_table
from ordersaga.findings.table import list_findings
from ordersaga.operations.saga_views import RunningActivity, SagaDetails, SagaFilter

SAGAS: Final = Columns(
    "order_id: order, run_status: saga, order_status, step, attention: needs attention, "
    "started_at: started (UTC), closed_at: closed (UTC)",
    attention=lambda x: x.attention or ("yes" if x.needs_attention else ""),
)


@answering
async def list_(
    services: Services,
    status: Status = None,
    step: StepName = None,
    needs_attention: NeedsAttention = False,
    condition: Condition = None,
    running: Annotated[bool, typer.Option("--running", help="Only running ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 50,
) -> Answer:
    """List sagas as Temporal knows them, most recently started first.

    Those that need attention include what the watchdog sees: sagas that ended badly, orders that
    have no saga.
    """
    from ordersaga.operations import saga_attention  # noqa: PLC0415  loads Temporal

    conditions = SagaFilter(status, needs_attention, running, limit, step, condition)
    sagas = await saga_attention.list_sagas_with_attention(
        services.pool, await services.temporal(), conditions
    )
    return Answer(sagas, lambda: SAGAS.table(sagas))


@answering
async def show(services: Services, order_id: OrderArgument) -> Answer:
    """Show a saga: its step, attempts, last error, what it waits for, and a link."""
    return await saga_answer(services, order_id)


async def saga_answer(services: Services, order_id: OrderId) -> Answer:
    """All about one saga."""
    from ordersaga.operations.sagas import show_saga  # noqa: PLC0415  loads Temporal

    findings = await list_findings(services.pool, [order_id])
    client = await services.temporal()
    details = await show_saga(client, services.settings, order_id, findings)
    return Answer(details, lambda: _page(details))


def _page(saga: SagaDetails) -> RenderableType:
    properties: Sequence[tuple[str, object]] = (
        ("saga", saga.run_status),
        ("order status", saga.order_status),
        ("step", saga.step),
        ("waits for", saga.waits_for),
        *(("because", line) for line in _why_it_waits(saga)),
        *(("running", line) for line in map(_try, saga.activities)),
        ("needs attention", saga.attention),
        *(("needs attention", f"{each.detail}: {each.action}") for each in saga.findings),
        ("held by", saga.held_by),
        ("compensating", saga.turning_back_because),
        ("declined", saga.declined),
        ("waits until (UTC)", saga.answer_by and clock(datetime.fromisoformat(saga.answer_by))),
        ("choices", ", ".join(saga.choices)),
        ("goods", ", ".join(saga.goods)),
        ("still to undo", ", ".join(saga.compensations)),
        ("outcome", saga.outcome),
        ("started (UTC)", clock(saga.started_at)),
        ("closed (UTC)", clock(saga.closed_at)),
        ("run", saga.run_id),
        ("Temporal UI", saga.link),
        ("note", saga.note),
    )
    parts: list[RenderableType] = [
        make_table(("order", saga.order_id), [each for each in properties if each[1]])
    ]
    if saga.missing:
        missing = ((x["sku"], x["ordered"], x["missing"]) for x in saga.missing)
        parts.append(make_table(("missing", "ordered>", "missing>"), missing))
    return Group(*parts)


def _why_it_waits(saga: SagaDetails) -> Sequence[str]:
    """What keeps each of its activities from its end, since when, and what will happen."""
    return [
        f"{one['trouble'].replace('_', ' ')} since "
        f"{clock(datetime.fromisoformat(one['since']))} UTC: {one['failure']}; {one['plan']}"
        for one in saga.waiting
    ]


def _try(activity: RunningActivity) -> str:
    """The attempt, the last failure and the next try, which only Temporal can tell."""
    last = f"; last failure: {activity.last_failure}" if activity.last_failure else ""
    then = f"; next try {clock(activity.next_try_at)} UTC" if activity.next_try_at else ""
    return f"{activity.name}, attempt {activity.attempt}, {activity.state}{last}{then}"
