"""Starts a saga for every order that was submitted through the event store.

The starter follows the feed with a checkpoint of its own, at least once: an order is handed over
again when the process died between starting its saga and saving the checkpoint, and starting twice
does nothing. So a crash between "submitted" and "started" loses nothing.
"""

from typing import Final

import structlog
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import OrderDocument
from domain.errors import RuleBroken
from domain.ids import OrderId, order_stream
from domain.order import state as order
from domain.values import readable
from eventstore.commands.folding import Fold
from eventstore.model import FeedFilter, StoredEvent
from ordersaga.client.starting import start_saga
from ordersaga.daemons.follower import Follower

CHECKPOINT: Final = "starter"
SAGA_ACTOR: Final = "saga"
WANTED: Final = FeedFilter(
    categories=frozenset({"order"}), event_types=frozenset({"OrderSubmitted"})
)

_ORDER: Final = Fold(order.INITIAL, order.evolve)
_log = structlog.stdlib.get_logger("ordersaga.starter")


class SagaStarter(Follower):
    """Starts sagas for submitted orders."""

    def wants(self, event: StoredEvent) -> bool:
        """Orders that a saga itself submitted have one."""
        return event.metadata.actor != SAGA_ACTOR

    async def act(self, event: StoredEvent) -> None:
        """Start the saga of an OrderSubmitted event.

        Raises:
            RPCError: Temporal does not answer.
            StoreUnavailable: the event store does not answer.
        """
        order_id = OrderId(event.stream.partition("-")[2])
        loaded = await self.handler.load(order_stream(order_id), _ORDER)
        try:
            document = document_of(order_id, loaded.state)
        except RuleBroken as refusal:
            _log.error("saga cannot be started", order_id=order_id, problem=str(refusal))
            return
        if document is not None:
            await self._start_saga(document)

    async def _start_saga(self, document: OrderDocument) -> None:
        order_id = document.order_id
        try:
            await start_saga(self.client, document, WorkflowIDConflictPolicy.USE_EXISTING)
        except WorkflowAlreadyStartedError:
            _log.debug("saga ended before", order_id=order_id)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            # Trying again would not help, and would keep all later orders waiting.
            _log.exception("saga cannot be started", order_id=order_id)
        else:
            _log.info("saga started", order_id=order_id)


def document_of(order_id: OrderId, state: order.OrderState) -> OrderDocument | None:
    """The document that stands for a submitted order; None if it is a draft or has ended.

    Raises:
        RuleBroken: its personal data cannot be read any more.
    """
    known = order.frozen_order(state)
    if known is None or isinstance(state, order.Completed | order.Cancelled):
        return None
    return OrderDocument(
        order_id=order_id,
        customer_id=known.customer_id,
        currency=known.currency,
        placed_at=known.placed_at,
        lines=known.submitted.lines,
        address=readable(known.submitted_address, "delivery address"),
        payment=known.payment,
        unavailable=known.unavailable,
    )
