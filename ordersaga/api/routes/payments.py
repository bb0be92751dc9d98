"""Money: what orders want, and what providers authorised, captured and refunded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.api.answers import AsForm, Cursor, Form, Limit, json_answer, list_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers, list_answers, not_shown_yet
from ordersaga.api.histories import cursor_of, in_history
from ordersaga.api.parameters import Moment, Word, moment
from ordersaga.api.reading import SHOWS_POSITION
from ordersaga.books.table import BooksCompared, Difference, last_comparison, list_differences
from projections.paging import Page
from projections.read_models.payments.model import (
    MoneySums,
    Movement,
    MovementFilter,
    OrderPayment,
    PaymentFilter,
    list_movements,
    list_payments,
    money_by_day,
)

router: Final = APIRouter(
    route_class=ProblemRoute, tags=["payments"], dependencies=[SHOWS_POSITION]
)

Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Code = Annotated[str | None, Query(pattern="^[A-Z]{3}$")]


class MovementKind(StrEnum):
    """The kinds of answers of a provider."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REFUND_PENDING = "refund_pending"
    REFUND_FAILED = "refund_failed"
    REFUND_REVERSED = "refund_reversed"


@router.get(
    "/payments",
    operation_id="list_payments",
    name="list_payments",
    summary="List payments, most recently changed first",
    responses=list_answers(OrderPayment),
)
async def payments(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    status: Word = None,
    currency: Code = None,
    reference: Word = None,
    changed_from: Moment = None,
    changed_before: Moment = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """The money of each order beside what the order costs."""
    pool = context_of(request).services.pool
    conditions = PaymentFilter(
        status,
        currency,
        reference,
        moment(changed_from, "changed_from"),
        moment(changed_before, "changed_before"),
    )

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_payments(pool, conditions, limit=rows, cursor=after)

    return await list_answer(request, fetch, OrderPayment, limit, cursor, form)


@router.get(
    "/payments/movements",
    operation_id="list_movements",
    name="list_movements",
    summary="List what providers answered, oldest first",
    responses=list_answers(Movement),
)
async def movements(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    order_id: Word = None,
    kind: MovementKind | None = None,
    currency: Code = None,
    since: Day = None,
    until: Day = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Authorisations, captures, refunds, voids and declines; `until` is exclusive."""
    pool = context_of(request).services.pool
    conditions = MovementFilter(order_id, kind, currency, since, until)

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_movements(pool, conditions, limit=rows, cursor=after)

    return await list_answer(request, fetch, Movement, limit, cursor, form)


@dataclass(frozen=True, slots=True)
class SumsAnswer:
    """Sums by day and currency."""

    items: list[MoneySums]


@router.get(
    "/payments/sums",
    operation_id="sum_payments",
    name="sum_payments",
    summary="Sum money by day and currency",
    responses=answers(SumsAnswer) | not_shown_yet(),
)
async def sums(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    since: Day = None,
    until: Day = None,
    currency: Code = None,
) -> Response:
    """Wanted on the day of submission, money on the day on which it moved; `until` is exclusive."""
    pool = context_of(request).services.pool
    return json_answer(SumsAnswer(await money_by_day(pool, since, until, currency)))


@dataclass(frozen=True, slots=True)
class DifferencesAnswer:
    """How our books and the payment provider's differed when they were last compared.

    Attributes:
        compared: when that was; None: never.
    """

    compared: BooksCompared | None
    items: Sequence[Difference]
    next_cursor: str | None


@router.get(
    "/payments/differences",
    operation_id="list_differences",
    name="list_differences",
    summary="List how our books and the payment provider's differ",
    responses=answers(DifferencesAnswer) | not_shown_yet(),
)
async def differences(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """As the last `ordersaga verify` found, by order; the latest day first."""
    services = context_of(request).services
    pool, histories = services.pool, services.histories
    differences = await list_differences(pool, limit=limit, cursor=cursor_of(histories, cursor))
    page = in_history(histories, differences)
    compared = await last_comparison(pool)
    return json_answer(DifferencesAnswer(compared, page.items, page.next_cursor))
