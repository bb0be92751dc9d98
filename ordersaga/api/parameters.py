"""Parameters that several operations take, checked by the domain's own validators."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import AfterValidator

from domain import ids
from domain.errors import InvalidValue
from domain.fields import parse_moment

_ID_FORM: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def _checked(parse: Any) -> AfterValidator:
    def check(value: Any) -> Any:
        try:
            return parse(value, "")
        except InvalidValue as error:
            raise ValueError(error.problem) from None

    return AfterValidator(check)


def _moment(value: datetime, field: str) -> datetime:
    if value.tzinfo is None:
        raise InvalidValue(field, "needs a UTC offset, such as Z")
    return parse_moment(value, field)


def printable(value: str, field: str = "") -> str:
    """The text, if it is printable; a database searches for it."""
    if not value.isprintable():
        raise InvalidValue(field, "must be printable text")
    return value


printable_text: Final = _checked(printable)

OrderPath = Annotated[
    ids.OrderId, Path(pattern=_ID_FORM, description="The order."), _checked(ids.parse_order_id)
]
OfOrder = Annotated[ids.OrderId | None, Query(pattern=_ID_FORM, description="Only of this order.")]
OfProduct = Annotated[
    ids.Sku | None,
    Query(pattern=_ID_FORM, description="Only with a line of this product."),
]
Country = Annotated[
    str | None,
    Query(pattern="^[A-Z]{2}$", description="Only to this country, an ISO 3166 code."),
]
SkuPath = Annotated[ids.Sku, Path(pattern=_ID_FORM, description="The product.")]
ReturnPath = Annotated[
    ids.ReturnId,
    Path(pattern="^[A-Za-z0-9][A-Za-z0-9._]{0,63}$", description="The return."),
    _checked(ids.parse_return_id),
]
CustomerPath = Annotated[ids.CustomerId, Path(pattern=_ID_FORM, description="The customer.")]
Moment = Annotated[
    datetime | None,
    Query(description="A time with UTC offset, from 2000 to 2100."),
]
Word = Annotated[str | None, Query(min_length=1, max_length=255), printable_text]


def moment(value: datetime | None, name: str) -> datetime | None:
    """A time of the query in UTC; raises InvalidValue."""
    return None if value is None else _moment(value, name)
