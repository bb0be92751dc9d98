"""Erasing the personal data of somebody: no more sealing, a moment of waiting, destroy, record.

The moment is what makes it safe: another process may have remembered the key, and would seal a new
order with it that nobody could read any more. After the moment no process does, every order that
was sealed with the key is in the event store, and if one of them is open the erasure is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from adapters.personal_data.vaults import LIFETIME_S
from domain.customer import erasure as customer
from domain.customer.commands import RecordErasure
from domain.errors import NotFound
from domain.ids import CustomerId, OrderId, customer_subject, erasure_stream
from eventstore.commands.folding import Fold, Loaded, States
from eventstore.commands.handler import CommandContext, Decision
from eventstore.model import Metadata
from ordersaga.errors import Refused
from ordersaga.personal_data.orders import FoundOrders, load_orders, orders_of_customer, owner
from ordersaga.personal_data.vault import KeyRing

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services

QUIET_S: Final = LIFETIME_S + 2.0
"""How long an erasure waits: as long as a key is remembered, and for appends under way."""

_FOLD: Final = Fold(customer.INITIAL, customer.evolve)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did.

    Attributes:
        subject: ``customer-<id>``, or ``order-<id>`` for the order of a guest.
        order_ids: the orders whose data is gone.
        keys_destroyed: how many keys were destroyed now; 0 if it had been done before.
        recorded_now: whether this was recorded now, or before.
        plain_events: events stored in plain text, before encryption: their data is still there.
    """

    subject: str
    order_ids: Sequence[OrderId]
    keys_destroyed: int
    recorded_now: bool
    plain_events: int


class Eraser:
    """Erases personal data.

    Args:
        services: of the composition root.
        actor: who asks, for the record.
        quiet_s: how long to wait between the last sealing and the destruction.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        services: "Services",
        actor: str,
        *,
        quiet_s: float = QUIET_S,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._services = services
        self._ring = KeyRing(services.pool)
        self._actor = actor
        self._quiet_s = quiet_s
        self._pause = pause

    async def erase_customer(self, customer_id: CustomerId, reason: str) -> Erasure:
        """Erase a customer's data in all their orders; again changes nothing.

        Raises:
            NotFound: nothing is known of such a customer.
            RuleBroken: an order is open.
            Refused: the data is not encrypted, or an order came in meanwhile.
        """
        subject = customer_subject(customer_id, OrderId(""))
        orders = await orders_of_customer(self._services, customer_id)
        if not orders.states and not await self._is_known(subject):
            raise NotFound("customer", customer_id)
        return await self._erase(subject, reason, orders, customer_id)

    async def erase_guest(self, order_id: OrderId, reason: str) -> Erasure:
        """Erase the data of the order of a guest; raises as `erase_customer`."""
        orders = await load_orders(self._services, [order_id])
        if not orders.states:
            raise NotFound("order", order_id)
        customer_id = owner(orders.states[order_id])
        if customer_id is not None:
            raise Refused(f"order {order_id} is no guest's: erase customer {customer_id} instead")
        return await self._erase(customer_subject(None, order_id), reason, orders, None)

    async def _is_known(self, subject: str) -> bool:
        return (await self._record_of(subject)).erased or await self._ring.knows(subject)

    async def _record_of(self, subject: str) -> customer.Customer:
        loaded: Loaded[customer.Customer] = await self._services.handler.load(
            erasure_stream(subject), _FOLD
        )
        return loaded.state

    async def _erase(
        self, subject: str, reason: str, orders: FoundOrders, customer_id: CustomerId | None
    ) -> Erasure:
        customer.check_erasable(orders.states)
        if orders.plain_events and not await self._ring.knows(subject):
            raise Refused(
                f"the data of {subject} was stored in plain text, before encryption was on: "
                "it cannot be erased from the log"
            )
        if await self._ring.undestroyed(subject):
            orders = await self._quieten(subject, orders, customer_id)
        gone = await self._ring.destroy(subject)
        recorded = await self._record(subject, reason)
        return Erasure(subject, sorted(orders.states), len(gone), recorded, orders.plain_events)

    async def _quieten(
        self, subject: str, orders: FoundOrders, customer_id: CustomerId | None
    ) -> FoundOrders:
        """Let nothing more be sealed for the subject, and look at its orders once more."""
        retired = await self._ring.retire(subject)
        try:
            await self._pause(self._quiet_s)
            if customer_id is not None:
                orders = await orders_of_customer(self._services, customer_id)
            customer.check_erasable(orders.states)
            await self._check_quiet(subject)
        except BaseException:
            await self._ring.restore(retired)
            raise
        return orders

    async def _check_quiet(self, subject: str) -> None:
        if await self._ring.has_present(subject):
            raise Refused(f"{subject} placed an order in this moment: erase again")

    async def _record(self, subject: str, reason: str) -> bool:
        """Record what is destroyed; False if all of it is recorded."""
        keys = tuple(str(key) for key in await self._ring.destroyed(subject))
        stream = erasure_stream(subject)
        command_id = f"erase-{uuid4()}"
        return await self._services.handler.execute(
            {stream: _FOLD},
            partial(_decide, stream, RecordErasure(subject, keys, reason)),
            CommandContext(command_id, Metadata(stream, command_id, self._actor)),
        )


def _decide(stream: str, command: RecordErasure, loaded: States) -> Decision[bool]:
    state: Any = loaded[stream].state
    events = customer.decide(command, state)
    return Decision({stream: events}, bool(events))
