"""`ordersaga saga`: see which sagas run, what they wait for, and steer them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import Json, OrderArgument, clock, opened, storable
from ordersaga.cli.output import emit, make_table, run
from ordersaga.cli.saga_choice import Attention, Condition, Status, StepName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from ordersaga.operations.sagas import ListedSaga, ListingWish, SagaDetails

app = typer.Typer(name="saga", help="See and steer sagas.", no_args_is_help=True)


@app.command("list")
def list_(
    status: Status = None,
    step: StepName = None,
    needs_attention: Attention = False,
    condition: Condition = None,
    running: Annotated[bool, typer.Option("--running", help="Only those that run.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List sagas, the latest started first, as Temporal knows them."""
    from ordersaga.operations.sagas import ListingWish

    wish = ListingWish(
        storable(status, "--status"),
        needs_attention,
        running,
        limit,
        storable(step, "--step"),
        storable(condition, "--filter"),
    )
    run(_list(wish, as_json))


async def _list(wish: "ListingWish", as_json: bool) -> None:
    from ordersaga.operations.sagas import list_sagas

    async with opened() as services:
        found = await list_sagas(await services.temporal(), wish)
    emit(found, as_json=as_json, view=lambda: listing(found))


def listing(sagas: "Sequence[ListedSaga]") -> "RenderableType":
    """A table of sagas."""
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


@app.command()
def show(order_id: OrderArgument, as_json: Json = False) -> None:
    """Show a saga: step, attempts, last error, what it waits for, where to look further."""
    run(_show(order_id, as_json))


async def _show(order_id: str, as_json: bool) -> None:
    from domain.ids import parse_order_id
    from ordersaga.operations.sagas import show_saga

    known = parse_order_id(order_id)
    async with opened() as services:
        details = await show_saga(await services.temporal(), services.settings, known)
    emit(details, as_json=as_json, view=lambda: page(details))


def page(saga: "SagaDetails") -> "RenderableType":
    """All about one saga."""
    from rich.console import Group

    facts: Sequence[tuple[str, object]] = (
        ("saga", saga.run_status),
        ("order status", saga.order_status),
        ("step", saga.step),
        ("waits for", saga.waits_for),
        ("needs attention", saga.attention),
        ("held by", saga.held_by),
        ("turning back", saga.turning_back_because),
        ("waits until (UTC)", saga.answer_by and clock(datetime.fromisoformat(saga.answer_by))),
        ("can be chosen", ", ".join(saga.choices)),
        ("still to undo", ", ".join(saga.compensations)),
        ("outcome", saga.outcome),
        ("started (UTC)", clock(saga.started_at)),
        ("closed (UTC)", clock(saga.closed_at)),
        ("run", saga.run_id),
        ("Temporal UI", saga.link),
        ("note", saga.note),
    )
    parts: list[RenderableType] = [
        make_table(("order", saga.order_id), [fact for fact in facts if fact[1]])
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
