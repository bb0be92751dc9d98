"""Acts on an order, by whoever may: the one way in which an update of a saga is asked for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fastapi.responses import Response
from pydantic import BaseModel, create_model

from activities.aggregates import ORDER
from activities.messages import WORKFLOW_TYPE
from domain.errors import NotFound
from domain.ids import OrderId, order_stream
from domain.order.state import Cancelled, Completed, NoOrder
from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.access.roles import Role
from ordersaga.access.tokens import Token
from ordersaga.api import problems
from ordersaga.api.answers import require_version
from ordersaga.api.context import Context
from ordersaga.api.failures import away
from ordersaga.api.problems import Problem
from ordersaga.api.writing import once
from ordersaga.operations.cancellation import CancelRequest, cancel_order
from ordersaga.operations.possible import possible_acts
from ordersaga.operations.steering import Act, Acted, Outcome, UpdateRequest, steer
from workflows.documents import messages
from workflows.documents.validation import validate


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """What became of an act: ``done``, or ``pending`` if that is not certain yet."""

    order_id: str
    action: str
    outcome: str


@dataclass(frozen=True, slots=True)
class PossibleAnswer:
    """Whether an act is possible now; `actions` are all that are."""

    order_id: str
    action: str
    possible: bool
    actions: tuple[str, ...]
    waits_for: str | None


@cache
def body_model(message: type[BaseModel]) -> type[BaseModel]:
    """The body of an act: the saga's message without the actor, whom the token names."""
    fields: Any = {
        name: (field.annotation, field)
        for name, field in message.model_fields.items()
        if name != "actor"
    }
    name = message.__name__.replace("Message", "Body")
    return create_model(name, __config__=message.model_config, __doc__=message.__doc__, **fields)


@dataclass(frozen=True, slots=True)
class Operation:
    """An act: the operation of the API that asks for it, the last part of its path, its message."""

    act: Act
    name: str
    path: str
    message: type[BaseModel]
    summary: str

    @property
    def body(self) -> type[BaseModel]:
        """The class of its body."""
        return body_model(self.message)


OPERATIONS: Final = (
    Operation(
        Act.CANCEL,
        "cancel_order",
        "cancel",
        messages.CancelMessage,
        "Cancel the order and undo what was done",
    ),
    Operation(Act.HOLD, "hold_order", "hold", messages.OperatorMessage, "Start no further step"),
    Operation(Act.RESUME, "resume_order", "resume", messages.OperatorMessage, "Go on after a hold"),
    Operation(
        Act.RETRY, "retry_order", "retry", messages.OperatorMessage, "Try again what fails, now"
    ),
    Operation(
        Act.RESOLVE,
        "resolve_order",
        "resolve",
        messages.ResolveMessage,
        "State that a person has settled what fails",
    ),
    Operation(
        Act.CHANGE_ADDRESS,
        "change_address",
        "change-address",
        messages.ChangeAddressMessage,
        "Deliver to another address; possible until the label is requested",
    ),
    Operation(
        Act.AMEND,
        "amend_order",
        "amend",
        messages.AmendMessage,
        "Remove pieces; possible until the label is requested",
    ),
    Operation(
        Act.CHOOSE,
        "choose_for_order",
        "choose",
        messages.ChooseMessage,
        "Say what to do about unavailable items",
    ),
    Operation(
        Act.PAY,
        "pay_order",
        "pay",
        messages.PayMessage,
        "Pay in another way after a decline, if the order waits for that",
    ),
)


async def act_on(
    context: Context,
    token: Token,
    operation: Operation,
    order_id: OrderId,
    body: BaseModel,
    key: RequestKey,
    if_match: str | None = None,
) -> Response:
    """Ask the saga of an order for something, once for the key.

    Args:
        context: services.
        token: who asks.
        operation: what for.
        order_id: the order.
        body: of the operation's class.
        key: the request.
        if_match: the version that was decided on; None: any.

    Raises:
        InvalidDocument: no saga would take it.
        Problem: the key was used for something else; or what is no final answer.
    """
    message = {**body.model_dump(mode="json", exclude_none=True), "actor": token.actor}
    if operation.act is Act.CANCEL and "requested_by" not in body.model_fields_set:
        message["requested_by"] = requester(token)
    validate(operation.message, json.dumps(message).encode(), "body")
    attempt = _Attempt(context, order_id, operation.act, message, key, if_match)
    return await once(context, key, attempt.carry_out)


def requester(token: Token) -> str:
    """Who wants an order cancelled, unless the body says it."""
    by_customer = token.role in (Role.SERVICE, Role.SUPPORT)
    return "customer" if by_customer else "operator"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One act under one key."""

    context: Context
    order_id: OrderId
    act: Act
    message: Mapping[str, Any]
    key: RequestKey
    if_match: str | None

    async def carry_out(self, begun: BegunRequest) -> tuple[int, ActionAnswer]:
        if begun.run_id is None:  # otherwise it may have had its effect already
            await self._check()
        client = await self.context.temporal()
        request = UpdateRequest(
            order_stream(self.order_id),
            WORKFLOW_TYPE,
            self.act.value,
            self.message,
            self.key.request_id,
            begun.run_id,
        )
        acted = await steer(client, request, self._note_run)
        if self.act is Act.CANCEL and acted.outcome in (Outcome.ENDED, Outcome.UNKNOWN):
            return 200, await self._cancel_without_saga()
        return await self._answer(acted)

    async def _check(self) -> None:
        handler = self.context.services.handler
        order = ORDER.stream(self.order_id)
        loaded = await handler.load(order.name, order.fold)
        if isinstance(loaded.state, NoOrder):
            raise NotFound("order", self.order_id)
        require_version(self.if_match, loaded.version, self.context.services.histories)

    async def _note_run(self, run_id: str) -> None:
        await self.context.requests.note_run(self.key, run_id)

    async def _cancel_without_saga(self) -> ActionAnswer:
        by_customer = self.message["requested_by"] == "customer"
        actor, reason = self.message["actor"], self.message["reason"]
        handler, client = self.context.services.handler, await self.context.temporal()
        request = CancelRequest(actor, reason, by_customer)
        cancelled_by = await cancel_order(handler, client, self.order_id, request)
        return ActionAnswer(self.order_id, self.act, cancelled_by)

    async def _answer(self, acted: Acted) -> tuple[int, ActionAnswer]:
        match acted.outcome:
            case Outcome.DONE:
                return 200, ActionAnswer(self.order_id, self.act, "done")
            case Outcome.PENDING:
                return 202, ActionAnswer(self.order_id, self.act, "pending")
            case Outcome.REFUSED:
                raise Problem(problems.NOT_POSSIBLE, acted.why)
            case Outcome.ENDED:
                raise Problem(problems.SAGA_ENDED)
            case Outcome.UNKNOWN:
                raise await self._no_saga()
            case Outcome.UNANSWERED:
                raise away(problems.TEMPORAL_AWAY, "no worker took it in time")

    async def _no_saga(self) -> Problem:
        state = await ORDER.stream(self.order_id).load(self.context.services.handler)
        if isinstance(state, Completed | Cancelled):
            return Problem(problems.SAGA_ENDED)
        return away(problems.SAGA_UNKNOWN)


async def possible(context: Context, order_id: OrderId, act: Act) -> PossibleAnswer:
    """Whether an act on an order is possible now, and which are.

    Raises:
        NotFound: there is no such order.
        Unreachable: Temporal does not answer.
    """
    client = await context.temporal()
    now = await possible_acts(context.services.handler, client, order_id)
    return PossibleAnswer(order_id, act, act in now.acts, now.acts, now.waits_for)
