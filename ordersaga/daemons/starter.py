"""Starts a saga for every order that is submitted through the event store.

The starter follows the feed with its own checkpoint, at least once: if the process dies between
starting a saga and saving the checkpoint, it starts that saga again, which changes nothing. So a
crash between "submitted" and "started" loses no order.
"""

from typing import Final

import structlog
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.aggregates import ORDER
from activities.messages import OrderDocument
from domain.ids import OrderId
from eventstore.model import FeedFilter, StoredEvent
from ordersaga.daemons.follower import Follower
from ordersaga.operations.starting import start_saga, submitted_document

CHECKPOINT: Final = "starter"
SAGA_ACTOR: Final = "saga"
EVENTS: Final = FeedFilter(
    categories=frozenset({"order"}), event_types=frozenset({"OrderSubmitted"})
)

_log = structlog.stdlib.get_logger("ordersaga.starter")


class SagaStarter(Follower):
    """Starts sagas for submitted orders."""

    def wants(self, event: StoredEvent) -> bool:
        """Whether a client, not a saga, submitted the order: then its saga must be started."""
        return event.metadata.actor != SAGA_ACTOR

    async def act(self, event: StoredEvent) -> None:
        """Start the saga of an OrderSubmitted event; raises as `Follower.act`."""
        order_id = OrderId(event.stream.partition("-")[2])
        state = await ORDER.stream(order_id).load(self.handler)
        document = submitted_document(order_id, state)
        if document is not None:
            await self._start_saga(document)

    async def _start_saga(self, document: OrderDocument) -> None:
        order_id = document.order_id
        try:
            await start_saga(self.client, document, WorkflowIDConflictPolicy.USE_EXISTING)
        except WorkflowAlreadyStartedError:
            _log.debug("saga has ended already", order_id=order_id)
        else:
            _log.info("saga started", order_id=order_id)
