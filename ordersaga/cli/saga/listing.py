"""`ordersaga saga list|show`: which sagas run, and what they wait for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from ordersaga.cli.common import Json, NeedsAttention, OrderArgument, opened, searchable
from ordersaga.cli.output import async_command, emit
from ordersaga.cli.saga.options import Condition, Status, StepName
from ordersaga.display.tables import clock, make_table
from ordersaga.operations.saga_views import ListedSaga, SagaDetails, SagaFilter


@async_command
async def list_(
    status: Status = None,
    step: StepName = None,
    needs_attention: NeedsAttention = False,
    condition: Condition = None,
    running: Annotated[bool, typer.Option("--running", help="Only running ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 50,
    as_json: Json = False,
) -> None:
    """List sagas as Temporal knows them, most recently started first."""
    from ordersaga.operations.sagas import list_sagas  # noqa: PLC0415  loads Temporal

    conditions = SagaFilter(
        searchable(status, "--status"),
        needs_attention,
        running,
        limit,
        searchable(step, "--step"),
        searchable(condition, "--filter"),
    )
    async with opened() as services:
        sagas = await list_sagas(await services.temporal(), conditions)
    emit(sagas, as_json=as_json, view=lambda: saga_table(sagas))


def saga_table(sagas: Sequence[ListedSaga]) -> Table:
    """One row per saga."""
    return make_table(
        ("order", "saga", "order status", "step", "attention", "started (UTC)", "closed (UTC)"),
        (
            (
                x.order_id,
                x.run_status,
                x.order_status,
                x.step,
                "yes" if x.needs_attention else "",
                clock(x.started_at),
                clock(x.closed_at),
            )
            for x in sagas
        ),
    )


@async_command
async def show(order_id: OrderArgument, as_json: Json = False) -> None:
    """Show a saga: its step, attempts, last error, what it waits for, and a link."""
    from ordersaga.operations.sagas import show_saga  # noqa: PLC0415  loads Temporal

    async with opened() as services:
        details = await show_saga(await services.temporal(), services.settings, order_id)
    emit(details, as_json=as_json, view=lambda: saga_page(details))


def saga_page(saga: SagaDetails) -> RenderableType:
    """All about one saga."""
    properties: Sequence[tuple[str, object]] = (
        ("saga", saga.run_status),
        ("order status", saga.order_status),
        ("step", saga.step),
        ("waits for", saga.waits_for),
        ("needs attention", saga.attention),
        ("held by", saga.held_by),
        ("compensating", saga.turning_back_because),
        ("waits until (UTC)", saga.answer_by and clock(datetime.fromisoformat(saga.answer_by))),
        ("choices", ", ".join(saga.choices)),
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
        parts.append(
            make_table(
                ("missing", "ordered>", "missing>"),
                [(x["sku"], x["ordered"], x["missing"]) for x in saga.missing],
            )
        )
    if saga.activities:
        parts.append(
            make_table(
                ("running", "state", "attempt>", "last failure", "next try (UTC)"),
                (
                    (x.name, x.state, x.attempt, x.last_failure, clock(x.next_try_at))
                    for x in saga.activities
                ),
            )
        )
    return Group(*parts)
