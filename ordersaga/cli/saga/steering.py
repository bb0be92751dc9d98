"""`ordersaga saga hold|resume|retry|resolve|cancel`: one saga, several, or all that a filter finds.

A single saga named by its id is steered and then shown. Several are steered by a job: it looks
first for which of them the act is possible, is confirmed, and acts on those at a limited rate.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import typer

from domain.ids import OrderId, order_stream
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
from ordersaga.cli.saga.listing import saga_answer
from ordersaga.cli.saga.options import BySignal, Condition, DryRun, Ids, Rate, Status, StepName, Yes
from ordersaga.errors import WrongUsage
from ordersaga.operations.actor import operator
from ordersaga.operations.saga_views import SagaFilter

if TYPE_CHECKING:
    from ordersaga.operations.jobs.jobs import Job

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
        rate: Rate = 10.0,
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


# --- by name -------------------------------------------------------------------------------------


async def _steer_named(order_ids: Sequence[OrderId], steering: Steering) -> Answer:
    distinct = list(dict.fromkeys(order_ids))
    if len(distinct) > 1:
        if steering.by_signal:
            raise WrongUsage("--signal takes one id; Temporal's command line signals many")
        return await _steer_many(distinct, "orders by name", replace(steering, yes=True))
    if steering.dry_run:
        raise WrongUsage("--dry-run needs a filter, or several ids")
    return await (_signal if steering.by_signal else _steer_one)(distinct[0], steering)


async def _steer_many(order_ids: Sequence[OrderId], selection: str, steering: Steering) -> Answer:
    from ordersaga.cli import jobs  # noqa: PLC0415  loads Temporal

    new = jobs.NewJob(
        steering.name,
        steering.why,
        order_ids,
        selection,
        steering.rate,
        {name: value for name, value in steering.details.items() if value is not None},
    )
    async with opened() as services:
        client = await services.temporal()
        job = await jobs.look(client, new)
        if steering.dry_run:
            return await jobs.looked_answer(client, job)
        _confirm(job, steering)
        return await jobs.carry_out(client, job)


async def _signal(order_id: OrderId, steering: Steering) -> Answer:
    """Leave a message: it waits for a worker and reaches a paused saga, without an answer."""
    async with opened() as services:
        client = await services.temporal()
        saga = client.get_workflow_handle(order_stream(order_id))
        await saga.signal(steering.name, steering.message())
    return Answer({"order_id": order_id, "result": "sent"}, f"{order_id}: sent")


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
    cancelled_by = await cancellation.cancel_order(
        services.handler, await services.temporal(), order_id, request
    )
    if cancelled_by is cancellation.CancelledBy.STORE:  # there may never have been a saga
        return Answer({"order_id": order_id, "result": cancelled_by}, f"{order_id}: {cancelled_by}")
    return (await saga_answer(services, order_id))._replace(remarks=[cancelled_by])


# --- by filter -----------------------------------------------------------------------------------


async def _steer_selected(conditions: SagaFilter, steering: Steering) -> Answer:
    from ordersaga.operations.sagas import list_sagas, query_of  # noqa: PLC0415  loads Temporal

    if steering.by_signal:
        raise WrongUsage("--signal takes one id; Temporal's command line signals many")
    async with opened() as services:
        sagas = await list_sagas(await services.temporal(), conditions)
    if not sagas:
        return Answer({"command": steering.name, "orders": 0}, "no saga matches")
    order_ids = [OrderId(saga.order_id) for saga in sagas]
    return await _steer_many(order_ids, query_of(conditions), steering)


def _confirm(job: "Job", steering: Steering) -> None:
    if steering.yes or not job.possible:
        return
    what = f"{steering.name}: possible for {job.possible} of {job.orders} orders"
    if not sys.stdin.isatty():
        raise WrongUsage(f"{what}: add --yes, or `ordersaga job run {job.job_id}`")
    typer.confirm(f"{what}; do it?", abort=True, err=True)


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
    message = {"actor": operator(), "reason": why, "address": address}
    await (await saga_client(services)).update(order_id, "change_address", message)
    return await saga_answer(services, order_id)


# --- another payment -----------------------------------------------------------------------------


@answering
async def pay(
    services: Services,
    order_id: OrderArgument,
    why: Annotated[str, typer.Option("--reason", help="The reason, for the audit trail.")],
    token: Annotated[str | None, typer.Option(help="The payment provider's token.")] = None,
    confirmed: Annotated[
        str | None, typer.Option(help="Or its reference of a payment confirmed at checkout.")
    ] = None,
) -> Answer:
    """Pay in another way after a decline, if the order waits for that."""
    client = await saga_client(services)
    await client.pay(order_id, token, confirmed=confirmed, actor=operator(), reason=why)
    return await saga_answer(services, order_id)
