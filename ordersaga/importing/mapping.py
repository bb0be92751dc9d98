"""A format: which columns of a file make an order, and by which rules. A TOML file each."""

import re
import tomllib
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from domain.errors import DomainError
from domain.fields import parse_country, parse_currency
from domain.lines import AdjustmentKind, LineKind
from ordersaga.importing.errors import BadMapping

FORMATS: Final = ("online-retail", "online-retail-ii", "shopify", "woocommerce")
"""The formats that are shipped."""
PROVED: Final = "proved"


def _checked(check: Callable[[str], object], problem: str) -> AfterValidator:
    """Validates a text by whether `check` takes it."""

    def validate(text: str) -> str:
        try:
            check(text)
        except (DomainError, LookupError, OSError, ValueError, re.error):
            raise ValueError(problem) from None
        return text

    return AfterValidator(validate)


Currency = Annotated[str, _checked(parse_currency, "must be an ISO 4217 code such as GBP")]
Country = Annotated[str, _checked(parse_country, "must be an ISO 3166 code such as GB")]
TimeZone = Annotated[str, _checked(ZoneInfo, "is not known; Europe/Berlin is one")]
Encoding = Annotated[str, _checked("a".encode, "is not known; windows-1252 is one")]
Pattern = Annotated[str, _checked(re.compile, "is not a regular expression")]
"""A regular expression for a whole value, whatever its case."""
ReasonName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Column = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fulfil(_Part):
    """Only orders in which `column` is like `only` are to be fulfilled."""

    column: Column
    only: Pattern
    otherwise: ReasonName


class LineRule(_Part):
    """Lines whose columns are like `when`: their kind, or why they are no part of the order."""

    when: Annotated[dict[Column, Pattern], Field(min_length=1)]
    kind: LineKind | None = None
    skip: ReasonName | None = None


class Service(_Part):
    """A column of the order with the price of a service: a line of its own unless it is 0."""

    column: Column
    kind: LineKind = LineKind.SERVICE
    description: str
    described_by: Column | None = None


class AdjustmentRule(_Part):
    """A column with an amount that changes a sum.

    Attributes:
        included: true: the prices contain it; proved: only if the sums of the order say so.
        within: only for a discount of a line; proved: it may be a part of the order's discount.
        of_shipping: only for a discount of the order; proved: it may be one of the shipping, or
            taken off the shipping price already.
    """

    kind: AdjustmentKind
    column: Column
    described_by: Column | None = None
    included: bool | Literal["proved"] = False
    within: Literal["proved"] | None = None
    of_shipping: Literal["proved"] | None = None


class GiftCard(_Part):
    """Where the order says that a gift card paid: `whole` all of it, `part` an unknown part."""

    column: Column
    whole: Pattern
    part: Pattern


class AddressColumns(_Part):
    """Columns of the parts of an address; several are joined."""

    name: list[Column]
    line1: list[Column]
    line2: list[Column] = []
    city: list[Column]
    region: list[Column] = []
    postal_code: list[Column] = []
    country: list[Column] = []

    def columns(self) -> list[str]:
        """All columns."""
        return [column for name in type(self).model_fields for column in getattr(self, name)]


class OrderColumns(_Part):
    """Columns that say the same in all lines of an order, or stand in the first line only.

    Attributes:
        number: lines with the same number are one order.
        is_id: the number is the order id; otherwise it is the reference that makes the id.
        token: pays for the order; confirmed: the provider's reference of a payment that the shop
            has taken already, which is claimed in place of a charge.
        may_vary: columns of which the first value counts, though lines may have others.
    """

    number: Column
    is_id: bool = False
    placed_at: Column | None = None
    customer_id: Column | None = None
    email: Column | None = None
    currency: Column | None = None
    token: Column | None = None
    confirmed: Column | None = None
    subtotal: Column | None = None
    subtotal_before_discounts: bool = False
    total: Column | None = None
    may_vary: list[Column] = []
    metadata: dict[str, Column] = {}


class LineColumns(_Part):
    """Columns of a line.

    Attributes:
        sku_case: upper: SKUs that differ in letter case only are one product.
        rounded: a line's amount is rounded half up to the minor unit, as its shop does it.
    """

    line_id: Column | None = None
    sku: Column
    sku_case: Literal["keep", "upper"] = "keep"
    description: Column
    quantity: Column
    price: Column
    rounded: bool = False
    adjustments: list[AdjustmentRule] = []


class Mapping(_Part):
    """A format.

    Attributes:
        header: columns that a file of this format has, by which it is recognised.
        also_called: other names of columns.
        decimal: the decimal sign of the documented form; a file that proves another one wins.
        strip: characters that are taken off both ends of a value.
        whole_numbers: columns of ids that programs write as decimals, such as 17850.0.
        paid_at_shop: the orders to fulfil were paid in the shop.
        made_up_address: the file has no addresses, only countries: a recognisable one is made up.
    """

    header: Annotated[list[Column], Field(min_length=1)]
    also_called: dict[Column, list[Column]] = {}
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Encoding | None = None
    decimal: Literal[".", ","] | None = None
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    time_zone: TimeZone = "UTC"
    currency: Currency | None = None
    country: Country | None = None
    countries: dict[str, Country] = {}
    strip: str = ""
    whole_numbers: list[Column] = []
    paid_at_shop: bool = False
    made_up_address: bool = False
    order: OrderColumns
    line: LineColumns
    address: list[AddressColumns] = []
    country_column: Column | None = None
    fulfil: list[Fulfil] = []
    lines: list[LineRule] = []
    services: list[Service] = []
    adjustments: list[AdjustmentRule] = []
    gift_card: GiftCard | None = None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns that are used, those of the order first."""
        looked_at = [column for rule in self.lines for column in rule.when]
        return tuple(dict.fromkeys([*self.order_columns, *self.line_columns, *looked_at]))

    @cached_property
    def order_columns(self) -> tuple[str, ...]:
        """Columns whose values belong to the whole order."""
        order = self.order
        named = [order.number, order.placed_at, order.customer_id, order.email, order.currency]
        named += [order.token, order.confirmed, order.subtotal, order.total, self.country_column]
        named += [*order.may_vary, *order.metadata.values()]
        named += [rule.column for rule in self.fulfil]
        named += [one for rule in self.services for one in (rule.column, rule.described_by)]
        named += [one for rule in self.adjustments for one in (rule.column, rule.described_by)]
        named += [column for address in self.address for column in address.columns()]
        named += [self.gift_card.column] if self.gift_card else []
        return tuple(dict.fromkeys(name for name in named if name))

    @cached_property
    def line_columns(self) -> tuple[str, ...]:
        """Columns whose values belong to one line."""
        line = self.line
        named = [line.line_id, line.sku, line.description, line.quantity, line.price]
        named += [one for rule in line.adjustments for one in (rule.column, rule.described_by)]
        return tuple(dict.fromkeys(name for name in named if name))

    @cached_property
    def amounts(self) -> tuple[str, ...]:
        """Columns with numbers."""
        named = [self.line.quantity, self.line.price, self.order.subtotal, self.order.total]
        named += [rule.column for rule in self.services]
        named += [rule.column for rule in self.adjustments]
        named += [rule.column for rule in self.line.adjustments]
        return tuple(dict.fromkeys(name for name in named if name))


def shipped(name: str) -> Mapping:
    """A format of FORMATS."""
    text = files("ordersaga.importing").joinpath(f"formats/{name}.toml").read_text("utf-8")
    return parse_mapping(text, name)


def read_mapping(path: Path) -> Mapping:
    """The format of a mapping file.

    Raises:
        BadMapping: it cannot be read, is no TOML, or says something that a mapping cannot.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadMapping(str(path), (error.strerror or "not readable").lower()) from error
    except UnicodeDecodeError as error:
        raise BadMapping(str(path), "it is not UTF-8 text") from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, name: str) -> Mapping:
    """The format that a TOML text describes; raises BadMapping."""
    try:
        return _complete(Mapping.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(name, f"it is not valid TOML: {error}") from error
    except ValidationError as error:
        raise BadMapping(name, "; ".join(map(_problem, error.errors()))) from None
    except _Incomplete as error:
        raise BadMapping(name, str(error)) from None


class _Incomplete(Exception):
    pass


def _complete(mapping: Mapping) -> Mapping:
    for place, rule in enumerate(mapping.lines):
        if (rule.kind is None) == (rule.skip is None):
            raise _Incomplete(f"lines.{place}: say either kind or skip")
    if mapping.made_up_address and not mapping.country_column and not mapping.country:
        raise _Incomplete("made_up_address: needs country_column or country")
    return mapping


def _problem(error: Any) -> str:
    path = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "missing":
            return f"{path}: is missing"
        case "extra_forbidden":
            return f"{path}: is not a key of a mapping"
        case _:
            text = str(error["msg"]).removeprefix("Value error, ")
            return f"{path}: {text[:1].lower()}{text[1:]}"
