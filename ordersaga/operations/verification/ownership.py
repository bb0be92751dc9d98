"""Tells the records at a provider that are our orders' own from those of others.

The same decision as in the saga. What another installation holds is no offence: it is shown, and
counts nowhere. What names this installation and still is not its order's own is an offence.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from activities.identity import Aspect, Claim, differences, listed
from activities.keys import OrderKeys
from activities.payment_port import ProviderPayment
from activities.ports import CarrierLabel, Identity, UnclearRecord
from domain.ids import OrderId
from ordersaga.operations.verification.facts import Facts, Stage
from ordersaga.operations.verification.report import Finding, Foreign, Rule

E = TypeVar("E", ProviderPayment, CarrierLabel)

_RULES: Final = {
    "payment": Rule.PROVIDER_OWN_PAYMENT,
    "label": Rule.CARRIER_OWN_LABEL,
}


@dataclass(slots=True)
class Ledger(Generic[E]):
    """The records of a provider.

    Attributes:
        own: by order; also those of orders that we do not know.
        foreign: of others, under an order number or a key of ours.
        wrong: they name this installation, but are not their order's own.
        unclear: they cannot be placed.
    """

    own: defaultdict[OrderId, list[E]] = field(default_factory=lambda: defaultdict(list))
    foreign: list[Foreign] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)
    unclear: list[UnclearRecord] = field(default_factory=list)


class Owner:
    """Decides whose a record is.

    Args:
        installation: this one's id.
        facts: what we know of our orders.
    """

    def __init__(self, installation: str, facts: Facts) -> None:
        self._installation = installation
        self._facts = facts
        orders = facts.orders.items()
        self._ids = {key.casefold(): key for key, one in orders if one.stage is not Stage.NEVER}

    async def sort(self, records: AsyncIterator[E | UnclearRecord]) -> Ledger[E]:
        """Sort all records of a ledger."""
        ledger = Ledger[E]()
        async for record in records:
            if isinstance(record, UnclearRecord):
                ledger.unclear.append(record)
            else:
                self._add(ledger, record)
        return ledger

    def _add(self, ledger: Ledger[E], record: E) -> None:
        match record:
            case ProviderPayment():
                what, reference = "payment", record.reference
            case _:
                what, reference = "label", record.label_id
        try:
            order_id, others = self._others(record.identity)
        except Exception as error:  # noqa: BLE001  one odd record hides no other
            why = f"cannot be placed: fails with {type(error).__name__}"
            ledger.unclear.append(UnclearRecord(reference, why))
            return
        if not others:
            ledger.own[record.order_id].append(record)
        elif order_id is None:
            return  # somebody else's affair altogether
        elif Aspect.INSTALLATION in others:
            ledger.foreign.append(Foreign(what, reference, order_id, listed(others)))
        else:
            expected = f"{what}s that are the order's own"
            actual = f"{what} {reference} has another {listed(others)}"
            ledger.wrong.append(Finding(_RULES[what], order_id, expected, actual))

    def _others(self, identity: Identity) -> tuple[OrderId | None, tuple[Aspect, ...]]:
        """The order that a record belongs to, or seems to, and what differs from that order's."""
        order_id = self._known(identity.order_id) or self._by_key(identity)
        if identity.installation == self._installation and identity.order_id != order_id:
            return OrderId(identity.order_id), ()  # of an order of ours that we do not know (yet)
        if order_id is None:
            return None, (Aspect.INSTALLATION, Aspect.ORDER)
        return order_id, differences(identity, self._claim(order_id, identity))

    def _by_key(self, identity: Identity) -> OrderId | None:
        """The order whose key a record carries, although it names another order."""
        installation, _, rest = identity.idempotency_key.casefold().partition(":order-")
        return self._known(rest.partition(":")[0]) if installation == self._installation else None

    def _known(self, order_id: str) -> OrderId | None:
        """The order with this id, or else one whose id is written in another case."""
        exact = self._facts.orders.get(OrderId(order_id))
        if exact is not None and exact.stage is not Stage.NEVER:
            return OrderId(order_id)
        return self._ids.get(order_id.casefold())

    def _claim(self, order_id: OrderId, identity: Identity) -> Claim:
        keys, order = OrderKeys(self._installation, order_id), self._facts.orders[order_id]
        key = identity.idempotency_key
        if identity.asked is None:
            return Claim(
                self._installation, order_id, key if key in keys.labels else keys.labels[0]
            )
        key = key if keys.is_of_payment(key) else keys.payment
        # An order that has not ended may have been submitted or amended after its events were read.
        ended = order.stage in (Stage.COMPLETED, Stage.CANCELLED) and order.totals
        return Claim(self._installation, order_id, key, order.totals if ended else [identity.asked])
