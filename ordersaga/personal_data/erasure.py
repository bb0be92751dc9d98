"""Erases personal data: retires the keys, waits, destroys the keys, records the erasure.

The wait makes it safe: another process may have cached a key and would encrypt a new order with it,
which nobody could read after the destruction. After the wait no process uses the key any more and
every order that was encrypted with it is in the event store; if one of them is open, the erasure
is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from activities.aggregates import Aggregate
from activities.unit_of_work import UnitOfWork, transact
from adapters.personal_data.vaults import LIFETIME_S
from domain.customer import erasure as customer
from domain.customer.commands import RecordErasure
from domain.errors import NotFound
from domain.fields import parse_reason
from domain.ids import CustomerId, OrderId, customer_subject, erasure_stream
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandContext
from eventstore.model import Metadata
from ordersaga.errors import Refused
from ordersaga.personal_data.orders import (
    CustomerOrders,
    OrderSources,
    load_orders,
    orders_of_customer,
    owner,
)
from ordersaga.personal_data.vault import KeyRing

QUIET_S: Final = LIFETIME_S + 2.0
"""How long an erasure waits for cached keys to expire and running appends to end."""

_CUSTOMER: Final = Aggregate(
    erasure_stream, Fold(customer.INITIAL, customer.evolve), customer.decide
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """The result of an erasure.

    Attributes:
        subject: ``customer-<id>``, or ``order-<id>`` for the order of a guest.
        order_ids: the orders whose data was erased.
        keys_destroyed: number of keys destroyed now; 0 if there were none left.
        recorded_now: whether the erasure was recorded now, not before.
        plain_events: events stored in plain text, which keep their data.
    """

    subject: str
    order_ids: Sequence[OrderId]
    keys_destroyed: int
    recorded_now: bool
    plain_events: int


class Eraser:
    """Erases personal data.

    Args:
        services: such as those of the composition root.
        actor: who erases, for the audit trail.
        quiet_s: seconds between retiring and destroying keys.
        pause: waits for a number of seconds.
    """

    def __init__(
        self,
        services: OrderSources,
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
        """Erase a customer's data in all their orders; erasing again changes nothing.

        Raises:
            NotFound: there is no such customer.
            RuleBroken: an order is open.
            Refused: the data is not encrypted, or the customer placed an order meanwhile.
        """
        subject = customer_subject(customer_id, OrderId(""))
        orders = await orders_of_customer(self._services, customer_id)
        if not orders.states and not await self._is_known(subject):
            raise NotFound("customer", customer_id)
        return await self._erase(subject, reason, orders, customer_id)

    async def erase_guest(self, order_id: OrderId, reason: str) -> Erasure:
        """Erase the data of a guest's order; raises as `erase_customer`."""
        orders = await load_orders(self._services, [order_id])
        if not orders.states:
            raise NotFound("order", order_id)
        customer_id = owner(orders.states[order_id])
        if customer_id is not None:
            raise Refused(f"order {order_id} has a customer: erase customer {customer_id} instead")
        return await self._erase(customer_subject(None, order_id), reason, orders, None)

    async def _is_known(self, subject: str) -> bool:
        state = await _CUSTOMER.stream(subject).load(self._services.handler)
        return state.erased or await self._ring.knows(subject)

    async def _erase(
        self, subject: str, reason: str, orders: CustomerOrders, customer_id: CustomerId | None
    ) -> Erasure:
        reason = parse_reason(reason)  # before anything is destroyed
        customer.check_erasable(orders.states)
        if orders.plain_events and not await self._ring.knows(subject):
            raise Refused(
                f"the data of {subject} was stored in plain text, before encryption was on: "
                "it cannot be erased from the event store"
            )
        if await self._ring.undestroyed(subject):
            orders = await self._retire_keys(subject, orders, customer_id)
        destroyed = await self._ring.destroy(subject)
        recorded = await self._record(subject, reason)
        return Erasure(
            subject, sorted(orders.states), len(destroyed), recorded, orders.plain_events
        )

    async def _retire_keys(
        self, subject: str, orders: CustomerOrders, customer_id: CustomerId | None
    ) -> CustomerOrders:
        """Stop all use of the subject's keys, then load its orders again."""
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
            raise Refused(f"{subject} has just placed an order: erase again")

    async def _record(self, subject: str, reason: str) -> bool:
        """Record the destroyed keys; False if all of them are recorded already."""
        keys = tuple(str(key) for key in await self._ring.destroyed(subject))
        stream, command_id = _CUSTOMER.stream(subject), f"erase-{uuid4()}"

        def rule(unit: UnitOfWork) -> bool:
            unit.execute(stream, RecordErasure(subject, keys, reason))
            return bool(unit.events)

        context = CommandContext(command_id, Metadata(stream.name, command_id, self._actor))
        return await transact(self._services.handler, (stream,), rule, context)
