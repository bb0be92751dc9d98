"""Shared by the commands: options, values from the command line, connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, overload

import typer

from domain.errors import InvalidValue
from domain.fields import parse_moment
from domain.ids import OrderId, Sku, parse_order_id, parse_sku
from ordersaga.errors import WrongUsage

if TYPE_CHECKING:
    from ordersaga_client import OrderSagaClient

    from ordersaga.bootstrap import wiring
    from ordersaga.operations.orders import OrdersService

Services: TypeAlias = "wiring.Services"

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OrderArgument = Annotated[
    OrderId, typer.Argument(metavar="ID", help="Order id.", parser=parse_order_id)
]
SkuArgument = Annotated[
    Sku, typer.Argument(metavar="SKU", help="Stock keeping unit.", parser=parse_sku)
]
Why = Annotated[str, typer.Option("--reason", "--note", help="The reason, for the audit trail.")]
NeedsAttention = Annotated[
    bool, typer.Option("--needs-attention", help="Only those that need a person.")
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Rows per page.")]
Cursor = Annotated[str | None, typer.Option(help="Continue after the page with this cursor.")]
Recipient = Annotated[str, typer.Option(help="Recipient.")]
Street = Annotated[str, typer.Option(help="Street and number.")]
AddressPart = Annotated[str, typer.Option()]
PostalCode = Annotated[str, typer.Option(help="May be omitted where addresses have none.")]
Country = Annotated[str, typer.Option(help="ISO 3166 code such as GB.")]

_LONGEST_TEXT: Final = 500


def text_option(help_text: str, *names: str, metavar: str | None = None) -> Any:
    """An option whose text a database searches for."""
    return typer.Option(*names, help=help_text, metavar=metavar, callback=_searchable)


def text_argument(help_text: str) -> Any:
    """An argument whose text a database searches for."""
    return typer.Argument(help=help_text, callback=_searchable)


def time_option(help_text: str) -> Any:
    """An option that is a time; see `moment`."""
    return typer.Option(help=help_text, metavar="TEXT", parser=moment)


@asynccontextmanager
async def opened() -> "AsyncIterator[wiring.Services]":
    """The configured services, for one command."""
    from ordersaga.bootstrap import settings, wiring  # noqa: PLC0415  0.2 s that help need not take

    options = settings.load_settings()
    async with wiring.open_services(options, application_name="ordersaga cli") as services:
        yield services


def orders_service(services: Services) -> "OrdersService":
    """Commands and queries about orders and stock."""
    from ordersaga.operations.orders import OrdersService  # noqa: PLC0415  loads Temporal

    return OrdersService.of(services)


async def saga_client(services: Services) -> "OrderSagaClient":
    """The typed client of sagas, parcels and returns."""
    from ordersaga_client import OrderSagaClient  # noqa: PLC0415  loads Temporal

    return OrderSagaClient(await services.temporal())


def moment(text: str) -> datetime:
    """A time from the command line: ISO 8601, or ``14:05`` for today; UTC unless it has a zone.

    Raises:
        WrongUsage: it is neither, or in another century.
    """
    return of_this_century(_read_time(text.strip()))


@overload
def of_this_century(time: datetime) -> datetime: ...
@overload
def of_this_century(time: None) -> None: ...
def of_this_century(time: datetime | None) -> datetime | None:
    """The time in UTC, which it is meant in if it has no zone; raises WrongUsage."""
    if time is None:
        return None
    try:
        return parse_moment(time if time.tzinfo else time.replace(tzinfo=UTC), "the time")
    except InvalidValue as error:
        raise WrongUsage(str(error)) from None


def _read_time(text: str) -> datetime:
    today = datetime.now(UTC).date().isoformat()
    for whole in (text, f"{today}T{text}"):
        with suppress(ValueError):
            return datetime.fromisoformat(whole)
    raise WrongUsage(f"{text!r} is not a time such as 14:05 or 2026-01-31T14:05Z")


def _searchable(option: typer.CallbackParam, text: str | None) -> str | None:
    if text is not None and (len(text) > _LONGEST_TEXT or not text.isprintable()):
        raise WrongUsage(
            f"{option.opts[0]}: must be printable text of at most {_LONGEST_TEXT} characters"
        )
    return text
