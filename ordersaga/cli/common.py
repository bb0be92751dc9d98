"""What the commands share: options, values from the command line, connections."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.errors import Refused, WrongUsage

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services
    from ordersaga.client.orders import OrderSagaClient

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OrderArgument = Annotated[str, typer.Argument(metavar="ID", help="Order id.")]
SkuArgument = Annotated[str, typer.Argument(metavar="SKU", help="Stock keeping unit.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Rows in a page.")]
Cursor = Annotated[str | None, typer.Option(help="Go on after the page that gave this cursor.")]


@asynccontextmanager
async def opened() -> "AsyncIterator[Services]":
    """The services of the settings, for one command."""
    from ordersaga.bootstrap.settings import load_settings
    from ordersaga.bootstrap.wiring import open_services

    async with open_services(load_settings(), application_name="ordersaga cli") as services:
        yield services


async def saga_client(services: "Services") -> "OrderSagaClient":
    """The typed client of running sagas."""
    from ordersaga.client.orders import OrderSagaClient

    return OrderSagaClient(await services.temporal())


def moment(text: str) -> datetime:
    """A time from the command line: ISO 8601, or ``14:05`` for today; UTC unless it says so.

    Raises:
        WrongUsage: it is neither.
    """
    try:
        return _in_utc(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        pass
    today = datetime.now(UTC).date().isoformat()
    try:
        return _in_utc(datetime.fromisoformat(f"{today}T{text.strip()}"))
    except (ValueError, OverflowError):
        raise WrongUsage(f"{text!r} is no time such as 14:05 or 2026-01-31T14:05+00:00") from None


def _in_utc(parsed: datetime) -> datetime:
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def storable(text: str | None, option: str) -> str | None:
    """`text` if a database can look for it.

    Raises:
        WrongUsage: it holds bytes that are no UTF-8 text, or is very long.
    """
    if text is None:
        return None
    if len(text) > _LONGEST or not text.isprintable():
        raise WrongUsage(f"{option}: must be printable text of at most {_LONGEST} characters")
    return text


_LONGEST = 500


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what read models refuse (a wrong cursor, say) into a refusal of the command."""
    from projections.errors import ProjectionError

    try:
        yield
    except ProjectionError as error:
        raise Refused(str(error)) from None


def clock(at: datetime | None) -> str:
    """A time for a table, in UTC to the second."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def money(minor: int, currency: str) -> str:
    """An amount for a table."""
    from domain.currencies import format_amount
    from domain.money import Money

    return format_amount(Money(minor, currency))
