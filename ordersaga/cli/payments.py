"""`ordersaga payments`: the money of orders, from the read model."""

from datetime import date, datetime
from typing import Annotated, Final

import typer

from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import Cursor, Limit, Services, of_this_century, text_option
from ordersaga.display.tables import Columns, money
from projections.read_models.payments.model import (
    MovementFilter,
    PaymentFilter,
    list_movements,
    list_payments,
    money_by_day,
)

app = CommandGroup("payments", "Show what orders cost, and what providers hold of it.")

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], callback=of_this_century)]
Currency = Annotated[str | None, text_option("Only this currency, such as GBP.")]

_AMOUNTS: Final = ("wanted", "authorised", "captured", "refunded", "kept")
_COLUMNS: Final = Columns(
    "order_id: order, order_status, status: payment, wanted>, authorised>, captured>, refunded>, "
    "kept>, reference, updated_at: changed (UTC)",
    **{
        name: lambda x, name=name: money(getattr(x, f"{name}_minor"), x.currency)
        for name in _AMOUNTS
    },
)
_MOVEMENTS: Final = Columns(
    "at: recorded (UTC), order_id: order, kind, amount>, reference",
    amount=lambda x: money(x.amount_minor, x.currency),
)
_SUMS: Final = Columns(
    "day: day (UTC), wanted>, authorised>, captured>, refunded>, kept>",
    **{
        name: lambda x, name=name: money(getattr(x, f"{name}_minor"), x.currency)
        for name in _AMOUNTS
    },
)


@app.answer("list")
async def list_(
    services: Services,
    status: Annotated[
        str | None,
        text_option(
            "Only this status: unpaid, authorised, captured, refund_pending, partly_refunded, "
            "refunded, voided, expired, declined."
        ),
    ] = None,
    currency: Currency = None,
    reference: Annotated[str | None, text_option("Only the provider's reference.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List payments, most recently changed first."""
    conditions = PaymentFilter(status, currency, reference)
    page = await list_payments(services.pool, conditions, limit=limit, cursor=cursor)
    return page_answer(page, _COLUMNS)


@app.answer()
async def movements(
    services: Services,
    order: Annotated[str | None, text_option("Only this order.", metavar="ID")] = None,
    kind: Annotated[
        str | None,
        text_option(
            "authorised, captured, declined, voided, expired, refunded, refund_pending, "
            "refund_failed or refund_reversed."
        ),
    ] = None,
    currency: Currency = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List what providers answered, oldest first."""
    conditions = MovementFilter(order, kind, currency)
    page = await list_movements(services.pool, conditions, limit=limit, cursor=cursor)
    return page_answer(page, _MOVEMENTS)


@app.answer()
async def sums(
    services: Services, since: Day = None, until: Day = None, currency: Currency = None
) -> Answer:
    """Sum money by day and currency; `--until` is exclusive.

    What orders cost counts on the day of submission, money on the day on which it moved.
    """
    rows = await money_by_day(services.pool, _day(since), _day(until), currency)
    return Answer({"items": rows}, lambda: _SUMS.table(rows))


def _day(time: datetime | None) -> date | None:
    return time.date() if time else None
