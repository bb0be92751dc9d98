"""`ordersaga saga`: see which sagas run, what they wait for, and steer them."""

from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import Json, OrderArgument, clock, opened, saga_client, storable
from ordersaga.cli.output import emit, make_table, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rich.console import RenderableType

    from domain.ids import OrderId
    from ordersaga.client import OrderSagaClient
    from ordersaga.saga_view import ListingWish, SagaDetails

app = typer.Typer(name="saga", help="See and steer sagas.", no_args_is_help=True)

Why = Annotated[str, typer.Option("--reason", help="Why; stands in the audit trail.")]


@app.command("list")
def list_(
    status: Annotated[
        str | None,
        typer.Option(
            help="Only orders in this status: submitted, reserved, processing, compensating, "
            "completed, cancelled."
        ),
    ] = None,
    needs_attention: Annotated[
        bool, typer.Option("--needs-attention", help="Only those that wait for a person.")
    ] = False,
    running: Annotated[bool, typer.Option("--running", help="Only those that run.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List sagas, the latest started first, as Temporal knows them."""
    from ordersaga.saga_view import ListingWish

    wish = ListingWish(storable(status, "--status"), needs_attention, running, limit)
    run(_list(wish, as_json))


async def _list(wish: "ListingWish", as_json: bool) -> None:
    from ordersaga.saga_view import list_sagas

    async with opened() as services:
        found = await list_sagas(await services.temporal(), wish)
    emit(
        found,
        as_json=as_json,
        view=lambda: make_table(
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
                for x in found
            ),
        ),
    )


@app.command()
def show(order_id: OrderArgument, as_json: Json = False) -> None:
    """Show a saga: step, attempts, last error, what it waits for, where to look further."""
    run(_show(order_id, as_json))


async def _show(order_id: str, as_json: bool) -> None:
    from domain.ids import parse_order_id
    from ordersaga.saga_view import show_saga

    known = parse_order_id(order_id)
    async with opened() as services:
        details = await show_saga(await services.temporal(), services.settings, known)
    emit(details, as_json=as_json, view=lambda: _details(details))


def _details(saga: "SagaDetails") -> "RenderableType":
    from rich.console import Group

    facts: Sequence[tuple[str, object]] = (
        ("saga", saga.run_status),
        ("order status", saga.order_status),
        ("step", saga.step),
        ("waits for", saga.waits_for),
        ("needs attention", saga.attention),
        ("held by", saga.held_by),
        ("turning back", saga.turning_back_because),
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


# --- steering ------------------------------------------------------------------------------------


@app.command()
def hold(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Keep a saga from starting its next step."""
    run(_steer(order_id, lambda c, o, who: c.hold(o, actor=who, reason=why), as_json))


@app.command()
def resume(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Let a held saga go on."""
    run(_steer(order_id, lambda c, o, who: c.resume(o, actor=who, reason=why), as_json))


@app.command()
def retry(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Try what failed again, now."""
    run(_steer(order_id, lambda c, o, who: c.retry(o, actor=who, reason=why), as_json))


@app.command()
def resolve(
    order_id: OrderArgument,
    settled: Annotated[str, typer.Option("--note", help="How it was settled by hand.")],
    as_json: Json = False,
) -> None:
    """Say that what a saga waits for was settled by hand."""
    run(_steer(order_id, lambda c, o, who: c.resolve(o, actor=who, note=settled), as_json))


@app.command()
def cancel(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Cancel the order on our wish; everything done so far is undone."""
    run(
        _steer(
            order_id,
            lambda c, o, who: c.cancel(o, actor=who, reason=why, requested_by="operator"),
            as_json,
        )
    )


@app.command("change-address")
def change_address(
    order_id: OrderArgument,
    why: Why,
    name: Annotated[str, typer.Option(help="Who receives the parcel.")],
    line1: Annotated[str, typer.Option(help="Street and number.")],
    city: Annotated[str, typer.Option()],
    postal_code: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="ISO 3166 code such as GB.")],
    line2: Annotated[str, typer.Option()] = "",
    region: Annotated[str, typer.Option()] = "",
    as_json: Json = False,
) -> None:
    """Deliver to another address; possible until the label is bought."""
    address = {
        "name": name,
        "line1": line1,
        "line2": line2,
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "country": country,
    }
    run(
        _steer(
            order_id,
            lambda c, o, who: c.change_address(o, address, actor=who, reason=why),
            as_json,
        )
    )


async def _steer(
    order_id: str,
    act: "Callable[[OrderSagaClient, OrderId, str], Awaitable[None]]",
    as_json: bool,
) -> None:
    from domain.ids import parse_order_id
    from ordersaga.orders_service import operator
    from ordersaga.saga_view import show_saga

    known = parse_order_id(order_id)
    async with opened() as services:
        await act(await saga_client(services), known, operator())
        details = await show_saga(await services.temporal(), services.settings, known)
    emit(details, as_json=as_json, view=lambda: _details(details))
