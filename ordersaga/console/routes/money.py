"""Money: by day and currency, and what providers answered."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.api.answers import Cursor, Form, list_answer
from ordersaga.api.context import context_of
from ordersaga.api.routes.payments import MovementKind
from ordersaga.books.table import last_comparison, list_differences
from ordersaga.console.charts import Bar, Column, columns_chart
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.sessions import CurrentViewer
from projections.paging import Page
from projections.read_models.payments.model import (
    MoneySums,
    Movement,
    MovementFilter,
    list_movements,
    money_by_day,
)

router: Final = APIRouter(route_class=PageRoute)

ROWS: Final = 50
DAYS: Final = 30
_MOST_DAYS: Final = 120
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Code = Annotated[str | None, Query(pattern="^[A-Z]{3}$")]


@router.get("/money", name="sum_payments")
async def money(
    request: Request,
    viewer: CurrentViewer,
    since: Day = None,
    until: Day = None,
    currency: Code = None,
    kind: MovementKind | None = None,
    cursor: Cursor = None,
) -> Response:
    """Sums of the last month, or of the days that the address names, and the movements."""
    pool = context_of(request).services.pool
    begin = since or datetime.now(UTC).date() - timedelta(days=DAYS - 1)
    end = until + timedelta(days=1) if until else None
    sums = await money_by_day(pool, begin, end, currency)
    last = end or datetime.now(UTC).date() + timedelta(days=1)
    movements = None
    if viewer.may("list_movements"):
        conditions = MovementFilter(None, kind, currency, begin, end)
        movements = await list_movements(pool, conditions, limit=ROWS, cursor=cursor)
    compared, differences = None, None
    if viewer.may("list_differences"):
        compared = await last_comparison(pool)
        differences = await list_differences(pool, limit=ROWS)
    return await page(
        request,
        "money.html",
        compared=compared,
        differences=differences,
        sums=sums,
        begin=begin,
        charts={
            code: _chart(sums, code, begin, last)
            for code in sorted({each.currency for each in sums})
        },
        totals=_totals(sums),
        movements=movements,
        kinds=list(MovementKind),
    )


@router.get("/money.csv", name="list_movements")
async def money_csv(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    since: Day = None,
    until: Day = None,
    currency: Code = None,
    kind: MovementKind | None = None,
) -> Response:
    """What providers answered, all of it, for a spreadsheet."""
    pool = context_of(request).services.pool
    end = until + timedelta(days=1) if until else None
    conditions = MovementFilter(None, kind, currency, since, end)

    async def fetch(limit: int, after: str | None) -> Page[Any]:
        return await list_movements(pool, conditions, limit=limit, cursor=after)

    response = await list_answer(request, fetch, Movement, ROWS, None, Form.CSV)
    response.headers["Content-Disposition"] = 'attachment; filename="movements.csv"'
    return response


def _chart(sums: list[MoneySums], currency: str, begin: date, end: date) -> Any:
    """Captured and refunded of each day, also of those on which nothing moved."""
    of_day = {each.day: each for each in sums if each.currency == currency}
    days = [begin + timedelta(days=number) for number in range(max((end - begin).days, 1))]
    return columns_chart(
        [Column(f"{day.day} {day:%b}", _money_bars(of_day.get(day))) for day in days[-_MOST_DAYS:]],
        f"Captured and refunded by day, in {currency}",
    )


def _money_bars(sums: MoneySums | None) -> tuple[Bar, Bar]:
    captured, refunded = (sums.captured_minor, sums.refunded_minor) if sums else (0, 0)
    return Bar("done", captured), Bar("undone", refunded)


def _totals(sums: list[MoneySums]) -> dict[str, dict[str, int]]:
    """The sums of all days, by currency."""
    names = ("wanted_minor", "authorised_minor", "captured_minor", "refunded_minor", "kept_minor")
    totals: dict[str, dict[str, int]] = {}
    for each in sums:
        of_currency = totals.setdefault(each.currency, dict.fromkeys(names, 0))
        for name in names:
            of_currency[name] += getattr(each, name)
    return totals
