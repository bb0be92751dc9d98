"""Which orders the address of their list names."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from typing import Annotated, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import TypeAdapter, ValidationError

from domain.errors import InvalidValue
from domain.money import parse_amount
from domain.order.status import OrderStatus
from domain.values import Reason
from ordersaga.api.documentation import require_known
from ordersaga.api.failures import invalid
from ordersaga.api.parameters import OfProduct, Word
from ordersaga.operations.order_lists import OrderQuery
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from projections.read_models.current_orders.model import OrderFilter, OrderSort

Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Code = Annotated[str | None, Query(pattern="^([A-Z]{3})?$")]
Country = Annotated[str | None, Query(pattern="^([A-Z]{2})?$")]


@dataclass(frozen=True)
class Filters:
    """What the address says of the orders that are wanted; totals are as people write amounts."""

    status: OrderStatus | None = None
    payment: PaymentProgress | None = None
    fulfilment: FulfilmentProgress | None = None
    returned: ReturnProgress | None = None
    reason: Reason | None = None
    customer: Word = None
    placed_from: Day = None
    placed_until: Day = None
    currency: Code = None
    total_from: Word = None
    total_until: Word = None
    sku: OfProduct = None
    country: Country = None
    needs_attention: bool = False
    sort: OrderSort = OrderSort.LATEST

    def query(self, zone: ZoneInfo) -> OrderQuery:
        """The same for the read models.

        Raises:
            InvalidValue: an amount is none, or totals are to be compared without a currency.
        """
        conditions = OrderFilter(
            self.status,
            self.customer,
            self.reason,
            _begin(self.placed_from, zone),
            _begin(self.placed_until, zone, days=1),
            payment_status=self.payment,
            fulfilment_status=self.fulfilment,
            currency=self.currency,
            total_from=self._minor("total_from"),
            total_until=self._minor("total_until"),
            sku=self.sku,
            country=self.country,
            return_status=self.returned,
        )
        return OrderQuery(conditions, self.needs_attention, self.sort)

    def _minor(self, name: str) -> int | None:
        text = getattr(self, name)
        if text is None:
            return None
        if self.currency is None:
            raise InvalidValue("currency", "is needed to compare totals")
        return parse_amount(text, self.currency, name).minor


def _begin(day: date | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """When a day begins, or the one after it, in the reader's zone."""
    if day is None:
        return None
    later = date.fromordinal(day.toordinal() + days)
    return datetime.combine(later, time(), zone).astimezone(UTC)


_READER: Final = TypeAdapter(Filters)


def filters_of(query: str) -> Filters:
    """The filters that the query of an address names.

    Raises:
        Problem: one of them is unknown, given twice, or has a value that it cannot have.
    """
    pairs = parse_qsl(query)
    require_known(pairs, {field.name for field in fields(Filters)})
    try:
        return _READER.validate_python(dict(pairs))
    except ValidationError as error:
        (first, *_) = error.errors(include_input=False, include_url=False)
        raise invalid(".".join(map(str, first["loc"])), first["msg"]) from None
