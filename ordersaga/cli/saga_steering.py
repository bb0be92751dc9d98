"""`ordersaga saga hold|resume|retry|resolve|cancel`: one saga, some, or all that a filter finds.

One saga by its id is asked and shown. Several are told at a bounded rate, each answers for itself,
and whoever wants to see first which ones a filter finds adds ``--dry-run``.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ordersaga.cli.common import Json, OrderArgument, opened, saga_client, storable
from ordersaga.cli.output import OK, emit, make_table, run
from ordersaga.cli.saga import app, listing, page
from ordersaga.cli.saga_choice import Attention, Condition, Status, StepName
from ordersaga.errors import REFUSED, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rich.console import RenderableType

    from domain.ids import OrderId
    from ordersaga.client.orders import OrderSagaClient
    from ordersaga.operations.bulk import Order, Told
    from ordersaga.operations.sagas import ListedSaga, ListingWish

Why = Annotated[
    str,
    typer.Option(
        "--reason", "--note", help="Why, or how it was settled; stands in the audit trail."
    ),
]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Order ids; or say which by a filter.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which sagas would be told.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before telling what a filter finds.")]
AsSignals = Annotated[
    bool,
    typer.Option(
        "--signal",
        help="Send signals: they wait for workers and reach paused sagas, but none answers.",
    ),
]
Rate = Annotated[float, typer.Option(min=0.1, max=1000, help="At most so many sagas a second.")]

_COMMANDS: Final[Mapping[str, str]] = {
    "hold": "Keep sagas from starting their next step.",
    "resume": "Let held sagas go on.",
    "retry": "Try what failed again, now.",
    "resolve": "Say that what sagas wait for was settled by hand.",
    "cancel": "Cancel orders on our wish; everything done so far is undone.",
}
_ENDS_WITH: Final = "Ends with 1 if a saga did not take it."


@dataclass(frozen=True, slots=True)
class How:
    """How a command is given."""

    name: str
    why: str
    dry_run: bool
    yes: bool
    by_signal: bool
    rate: float
    as_json: bool
    more: Mapping[str, Any] = field(default_factory=dict)
    """What the message holds besides who and why."""


def register(_app: typer.Typer) -> None:
    """Add the commands to the group `saga`."""
    for name, help_text in _COMMANDS.items():
        app.command(name, help=f"{help_text}\n\n{_ENDS_WITH}")(_steering(name))
    app.command("change-address")(change_address)


def _steering(name: str) -> "Callable[..., None]":
    def command(
        why: Why,
        order_ids: Ids = None,
        status: Status = None,
        step: StepName = None,
        needs_attention: Attention = False,
        condition: Condition = None,
        dry_run: DryRun = False,
        yes: Yes = False,
        by_signal: AsSignals = False,
        rate: Rate = 50.0,
        as_json: Json = False,
    ) -> None:
        how = How(name, why, dry_run, yes, by_signal, rate, as_json)
        steer(how, order_ids, wish_of(status, step, needs_attention, condition))

    return command


def steer(how: How, order_ids: list[str] | None, wish: "ListingWish | None") -> None:
    """Tell the sagas that are named, or those that a filter finds.

    Raises:
        WrongUsage: neither is given, or both are.
    """
    if bool(order_ids) == bool(wish):
        raise WrongUsage("say which sagas: either order ids, or a filter such as --step")
    if wish:
        run(_tell_found(wish, how))
    run(_tell_named(order_ids or [], how))


def wish_of(
    status: str | None, step: str | None, needs_attention: bool, condition: str | None
) -> "ListingWish | None":
    """Which sagas a filter means; None if nothing of it is given."""
    from ordersaga.operations.sagas import ListingWish

    given = ListingWish(
        order_status=storable(status, "--status"),
        needs_attention=needs_attention,
        running=True,
        limit=None,
        step=storable(step, "--step"),
        condition=storable(condition, "--filter"),
    )
    return None if given == ListingWish(running=True, limit=None) else given


def _order(how: How) -> "Order":
    from ordersaga.operations.bulk import Order
    from ordersaga.operations.orders import operator

    message: dict[str, Any] = {"actor": operator(), **how.more}
    message["note" if how.name == "resolve" else "reason"] = how.why
    return Order(how.name, message, how.by_signal, how.rate)


# --- by name -------------------------------------------------------------------------------------


async def _tell_named(texts: "Sequence[str]", how: How) -> int:
    from domain.ids import parse_order_id
    from ordersaga.operations.bulk import tell_all

    order_ids = list(dict.fromkeys(parse_order_id(text) for text in texts))
    if how.dry_run:
        raise WrongUsage("--dry-run goes with a filter; ids say themselves which sagas are meant")
    if len(order_ids) == 1 and not how.by_signal:
        await tell_one(order_ids[0], lambda c, o, who: _say(c, o, who, how), how.as_json)
        return OK
    async with opened() as services:
        told = await tell_all(await services.temporal(), order_ids, _order(how))
    return _report(told, None, how)


async def _say(client: "OrderSagaClient", order_id: "OrderId", who: str, how: How) -> None:
    if how.name == "resolve":
        await client.resolve(order_id, actor=who, note=how.why)
    elif how.name == "cancel":
        await client.cancel(order_id, actor=who, reason=how.why, requested_by="operator")
    else:
        await getattr(client, how.name)(order_id, actor=who, reason=how.why, **how.more)


async def tell_one(
    order_id: "OrderId",
    act: "Callable[[OrderSagaClient, OrderId, str], Awaitable[None]]",
    as_json: bool,
) -> None:
    """Tell one saga and show it."""
    from ordersaga.operations.orders import operator
    from ordersaga.operations.sagas import show_saga

    async with opened() as services:
        await act(await saga_client(services), order_id, operator())
        details = await show_saga(await services.temporal(), services.settings, order_id)
    emit(details, as_json=as_json, view=lambda: page(details))


# --- by filter -----------------------------------------------------------------------------------


async def _tell_found(wish: "ListingWish", how: How) -> int:
    from domain.ids import OrderId
    from ordersaga.operations.bulk import tell_all
    from ordersaga.operations.sagas import list_sagas, query_of

    async with opened() as services:
        client = await services.temporal()
        found = await list_sagas(client, wish)
        if how.dry_run:
            _show_found(found, query_of(wish), how)
            return OK
        _confirm(found, how)
        told = await tell_all(client, [OrderId(saga.order_id) for saga in found], _order(how))
    return _report(told, query_of(wish), how)


def _show_found(found: "Sequence[ListedSaga]", query: str, how: How) -> None:
    from ordersaga.operations.bulk import overview

    counted = overview(found)
    data = {
        "command": how.name,
        "query": query,
        "found": counted.found,
        "by_status": counted.by_status,
        "by_step": counted.by_step,
        "sagas": found,
    }
    emit(data, as_json=how.as_json, view=lambda: _found_view(found, query))


def _found_view(found: "Sequence[ListedSaga]", query: str) -> "RenderableType":
    from rich.console import Group

    return Group(f"{_counts(found)}\nquery: {query}", *([listing(found)] if found else []))


def _counts(found: "Sequence[ListedSaga]") -> str:
    from ordersaga.operations.bulk import overview

    steps = ", ".join(f"{n} at {step}" for step, n in overview(found).by_step.items())
    return f"{len(found)} {'saga' if len(found) == 1 else 'sagas'}{': ' if steps else ''}{steps}"


def _confirm(found: "Sequence[ListedSaga]", how: How) -> None:
    if how.yes or not found:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(f"{_counts(found)}: add --yes to tell them, --dry-run to see them")
    typer.confirm(f"{how.name} {_counts(found)}?", abort=True, err=True)


def _report(told: "Sequence[Told]", query: str | None, how: How) -> int:
    from collections import Counter

    from ordersaga.operations.bulk import WELL

    fates = Counter(each.fate.value for each in told)
    data = {"command": how.name, "query": query, "found": len(told), "fates": fates, "sagas": told}
    emit(data, as_json=how.as_json, view=lambda: _report_view(told, fates))
    return OK if all(each.fate in WELL for each in told) else REFUSED


def _report_view(told: "Sequence[Told]", fates: Mapping[str, int]) -> "RenderableType":
    from rich.console import Group

    counts = ", ".join(f"{count} {fate}" for fate, count in fates.items()) or "no saga was found"
    table = make_table(("order", "result", "why"), [(x.order_id, x.fate, x.why) for x in told])
    return Group(counts, *([table] if told else []))


# --- the address ---------------------------------------------------------------------------------


def change_address(
    order_id: OrderArgument,
    why: Annotated[str, typer.Option("--reason", help="Why; stands in the audit trail.")],
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
    from domain.ids import parse_order_id

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
        tell_one(
            parse_order_id(order_id),
            lambda c, o, who: c.change_address(o, address, actor=who, reason=why),
            as_json,
        )
    )
