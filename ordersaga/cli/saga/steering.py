"""`ordersaga saga hold|resume|retry|resolve|cancel`: one saga, several, or all that a filter finds.

A single saga named by its id is steered and then shown. Several are steered at a limited rate, and
the result of each is reported. ``--dry-run`` shows first which sagas a filter selects.
"""

import inspect
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import typer
from rich.console import Group, RenderableType

from domain.ids import OrderId
from domain.values import Address
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import (
    AddressPart,
    Country,
    NeedsAttention,
    OrderArgument,
    PostalCode,
    Recipient,
    Services,
    Street,
    Why,
    opened,
    saga_client,
)
from ordersaga.cli.output import OK
from ordersaga.cli.saga.listing import SAGAS, saga_answer
from ordersaga.cli.saga.options import BySignal, Condition, DryRun, Ids, Rate, Status, StepName, Yes
from ordersaga.display.tables import Columns
from ordersaga.errors import REFUSED, WrongUsage
from ordersaga.operations.actor import operator
from ordersaga.operations.saga_views import ListedSaga, SagaFilter

if TYPE_CHECKING:
    from ordersaga.operations.bulk import CommandResult

COMMANDS: Final[Mapping[str, str]] = {
    "hold": "Keep sagas from starting their next step.",
    "resume": "Let held sagas continue.",
    "retry": "Try failed steps again, now.",
    "cancel": "Cancel orders as an operator; everything done so far is undone.",
}
RESOLVE: Final = "State that a person has settled what sagas wait for."
Goods = Annotated[
    Literal["lost", "coming_back", "ship_and_collect"] | None,
    typer.Option(
        help="What becomes of goods that have left although their order is undone: written off, "
        "put into stock when they arrive, or shipped and paid after all."
    ),
]
ENDS_WITH: Final = "Ends with 1 if a saga did not accept the command."
_RESULTS: Final = Columns("order_id: order, outcome: result, why")


@dataclass(frozen=True, slots=True)
class Steering:
    """A command for sagas and its options.

    Attributes:
        name: of the update and the signal.
        why: for the audit trail.
        details: what the message holds besides actor and reason.
    """

    name: str
    why: str
    dry_run: bool
    yes: bool
    by_signal: bool
    rate: float
    details: Mapping[str, Any]

    def message(self) -> dict[str, Any]:
        """The argument of the update and the signal."""
        reason = "note" if self.name == "resolve" else "reason"
        details = {name: value for name, value in self.details.items() if value is not None}
        return {"actor": operator(), reason: self.why, **details}


def bulk_command(name: str, **own_options: Any) -> Callable[..., None]:
    """The function of a command for sagas; `own_options` are the types of its own options.

    Those that may be None can be left out.
    """

    async def command(
        why: Why,
        order_ids: Ids = None,
        status: Status = None,
        step: StepName = None,
        needs_attention: NeedsAttention = False,
        condition: Condition = None,
        dry_run: DryRun = False,
        yes: Yes = False,
        by_signal: BySignal = False,
        rate: Rate = 50.0,
        **details: Any,
    ) -> Answer:
        steering = Steering(name, why, dry_run, yes, by_signal, rate, details)
        conditions = _saga_filter(status, step, needs_attention, condition)
        return await _steer(steering, order_ids, conditions)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [_parameter(each, own_options[each]) for each in own_options]
    signature = inspect.signature(command)
    why, *others, _ = [each.replace(kind=kind) for each in signature.parameters.values()]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]  # `answering` reads it
        parameters=[why, *own, *others]
    )
    return answering(command)


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    value = get_args(annotation)[0]
    default = None if type(None) in get_args(value) else inspect.Parameter.empty
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


async def _steer(
    steering: Steering, order_ids: Sequence[OrderId] | None, conditions: SagaFilter | None
) -> Answer:
    if bool(order_ids) == bool(conditions):
        raise WrongUsage("say which sagas: either order ids, or a filter such as --step")
    if conditions:
        return await _steer_selected(conditions, steering)
    return await _steer_named(order_ids or [], steering)


def _saga_filter(
    status: str | None, step: str | None, needs_attention: bool, condition: str | None
) -> SagaFilter | None:
    """The filter that the options describe; None if none of them is given."""
    conditions = SagaFilter(
        order_status=status,
        needs_attention=needs_attention,
        running=True,
        limit=None,
        step=step,
        condition=condition,
    )
    return None if conditions == SagaFilter(running=True, limit=None) else conditions


async def _send(
    services: Any, order_ids: Sequence[OrderId], steering: Steering
) -> "list[CommandResult]":
    from ordersaga.operations.bulk import BulkCommand, send_to_all  # noqa: PLC0415  loads Temporal

    command = BulkCommand(steering.name, steering.message(), steering.by_signal, steering.rate)
    return await send_to_all(await services.temporal(), order_ids, command)


# --- by name -------------------------------------------------------------------------------------


async def _steer_named(order_ids: Sequence[OrderId], steering: Steering) -> Answer:
    distinct = list(dict.fromkeys(order_ids))
    if steering.dry_run:
        raise WrongUsage("--dry-run needs a filter; ids already say which sagas are meant")
    if len(distinct) == 1 and not steering.by_signal:
        return await _steer_one(distinct[0], steering)
    async with opened() as services:
        results = await _send(services, distinct, steering)
    return _report(results, None, steering)


async def _steer_one(order_id: OrderId, steering: Steering) -> Answer:
    async with opened() as services:
        if steering.name == "cancel":
            return await _cancel_one(services, order_id, steering.why)
        client = await saga_client(services)
        await client.update(order_id, steering.name, steering.message())
        return await saga_answer(services, order_id)


async def _cancel_one(services: Services, order_id: OrderId, why: str) -> Answer:
    from ordersaga.operations import cancellation  # noqa: PLC0415  loads Temporal

    request = cancellation.CancelRequest(operator(), why, by_customer=False)
    cancelled_by = await cancellation.cancel_order(services, order_id, request)
    if cancelled_by is cancellation.CancelledBy.STORE:  # there may never have been a saga
        return Answer({"order_id": order_id, "result": cancelled_by}, f"{order_id}: {cancelled_by}")
    return (await saga_answer(services, order_id))._replace(remarks=[cancelled_by])


# --- by filter -----------------------------------------------------------------------------------


async def _steer_selected(conditions: SagaFilter, steering: Steering) -> Answer:
    from ordersaga.operations.sagas import list_sagas, query_of  # noqa: PLC0415  loads Temporal

    query = query_of(conditions)
    async with opened() as services:
        sagas = await list_sagas(await services.temporal(), conditions)
        if steering.dry_run:
            return _selected(sagas, query, steering)
        _confirm(sagas, steering)
        results = await _send(services, [OrderId(saga.order_id) for saga in sagas], steering)
    return _report(results, query, steering)


def _selected(sagas: Sequence[ListedSaga], query: str, steering: Steering) -> Answer:
    data = {
        "command": steering.name,
        "query": query,
        "found": len(sagas),
        "by_status": Counter(saga.order_status or "unknown" for saga in sagas),
        "by_step": _by_step(sagas),
        "sagas": sagas,
    }
    table = [SAGAS.table(sagas)] if sagas else []
    return Answer(data, Group(f"{_counts(sagas)}\nquery: {query}", *table))


def _by_step(sagas: Sequence[ListedSaga]) -> Counter[str]:
    return Counter(saga.step or "unknown" for saga in sagas)


def _counts(sagas: Sequence[ListedSaga]) -> str:
    steps = ", ".join(f"{count} at {step}" for step, count in _by_step(sagas).items())
    return f"{len(sagas)} {'saga' if len(sagas) == 1 else 'sagas'}{': ' if steps else ''}{steps}"


def _confirm(sagas: Sequence[ListedSaga], steering: Steering) -> None:
    if steering.yes or not sagas:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(f"{_counts(sagas)}: add --yes to steer them, --dry-run to list them")
    typer.confirm(f"{steering.name} {_counts(sagas)}?", abort=True, err=True)


def _report(results: "Sequence[CommandResult]", query: str | None, steering: Steering) -> Answer:
    outcomes = Counter(result.outcome.value for result in results)
    data = {
        "command": steering.name,
        "query": query,
        "found": len(results),
        "outcomes": outcomes,
        "sagas": results,
    }
    code = OK if all(result.outcome.is_success for result in results) else REFUSED
    return Answer(data, lambda: _report_view(results, outcomes), code)


def _report_view(results: "Sequence[CommandResult]", outcomes: Mapping[str, int]) -> RenderableType:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return Group(counts or "no saga was found", *([_RESULTS.table(results)] if results else []))


# --- the address ---------------------------------------------------------------------------------


@answering
async def change_address(
    services: Services,
    order_id: OrderArgument,
    why: Annotated[str, typer.Option("--reason", help="The reason, for the audit trail.")],
    name: Recipient,
    line1: Street,
    city: AddressPart,
    country: Country,
    postal_code: PostalCode = "",
    line2: AddressPart = "",
    region: AddressPart = "",
) -> Answer:
    """Change the delivery address; possible until the label is bought."""
    address = asdict(Address(name, line1, city, postal_code, country, line2, region))
    client = await saga_client(services)
    await client.change_address(order_id, address, actor=operator(), reason=why)
    return await saga_answer(services, order_id)


# --- another payment -----------------------------------------------------------------------------


@answering
async def pay(
    services: Services,
    order_id: OrderArgument,
    why: Annotated[str, typer.Option("--reason", help="The reason, for the audit trail.")],
    token: Annotated[str, typer.Option(help="The payment provider's token.")],
) -> Answer:
    """Pay in another way after a decline, if the order waits for that."""
    client = await saga_client(services)
    await client.pay(order_id, token, actor=operator(), reason=why)
    return await saga_answer(services, order_id)
