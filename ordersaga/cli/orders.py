"""`ordersaga order`: create, submit and cancel orders; show them now and as they were."""

from datetime import datetime
from typing import Annotated

import typer

from domain.order.state import Draft
from domain.order.status import OrderStatus
from ordersaga.cli import order_drafts as drafts
from ordersaga.cli.answers import Answer, CommandGroup
from ordersaga.cli.common import (
    Cursor,
    Limit,
    NeedsAttention,
    OrderArgument,
    Services,
    orders_service,
    saga_client,
    time_option,
)
from ordersaga.cli.order_views import order_answer
from ordersaga.display.timeline import TIMELINE
from ordersaga.operations.actor import operator

app = CommandGroup("order", "Create, submit, cancel and show orders.")

app.command("create")(drafts.create)
app.command("id")(drafts.id_)
app.command("add-item")(drafts.add_item)
app.command("add-service")(drafts.add_service)
app.command("remove-item")(drafts.remove_item)
app.command("set-quantity")(drafts.set_quantity)
app.command("adjust")(drafts.adjust)
app.command("set-address")(drafts.set_address)
app.command("submit")(drafts.submit)


@app.answer()
async def cancel(
    services: Services,
    order_id: OrderArgument,
    reason: Annotated[
        str, typer.Option(help="The reason, for the audit trail.")
    ] = "cancelled by hand",
    by_operator: Annotated[
        bool, typer.Option("--by-operator", help="Cancelled by an operator, not the customer.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until everything has been undone.")
    ] = False,
) -> Answer:
    """Cancel an order: a draft immediately, a submitted one by its saga, which undoes its steps.

    An order whose saga is gone is cancelled as well: if something was done for it, a new saga
    starts and undoes it.
    """
    orders = orders_service(services)
    if isinstance(await orders.state(order_id), Draft):
        return order_answer(await orders.cancel_draft(order_id, reason))
    from ordersaga.operations.cancellation import CancelRequest, cancel_order  # noqa: PLC0415  loads Temporal

    request = CancelRequest(operator(), reason, by_customer=not by_operator)
    remark = await cancel_order(services.handler, await services.temporal(), order_id, request)
    if wait:
        await (await saga_client(services)).result(order_id)
    return order_answer(await orders.show(order_id))._replace(remarks=[remark])


@app.answer()
async def show(
    services: Services,
    order_id: OrderArgument,
    at: Annotated[
        datetime | None,
        time_option("As it was at this time: 14:05, or ISO 8601; UTC unless it has a zone."),
    ] = None,
    at_version: Annotated[
        int | None,
        typer.Option(min=1, max=2**31 - 1, help="As it was after the first N events."),
    ] = None,
) -> Answer:
    """Show an order, now or as it was."""
    return order_answer(await orders_service(services).show(order_id, at=at, at_version=at_version))


@app.answer()
async def history(
    services: Services,
    order_id: OrderArgument,
    until: Annotated[datetime | None, time_option("Omit events after this time.")] = None,
) -> Answer:
    """Print everything that happened to an order, from the event store."""
    entries = await orders_service(services).timeline(order_id, until=until)
    return Answer(entries, lambda: TIMELINE.table(entries))


@app.answer("list")
async def list_(
    services: Services,
    status: Annotated[OrderStatus | None, typer.Option(help="Only this status.")] = None,
    needs_attention: NeedsAttention = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List orders from the read model, most recently placed first."""
    from ordersaga.cli import read_models  # noqa: PLC0415  asyncpg, for `list` alone

    return await read_models.orders_in_status(services, status, needs_attention, limit, cursor)
