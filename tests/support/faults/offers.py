"""What a saga offers in a state of the fault matrix, what it refuses, what taking an offer does."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain import faults
from domain.ids import LineId, OrderId, Sku, stock_stream, streams_of_order
from domain.lines import Pieces
from domain.order.events import OrderAmended, OrderCancelled
from domain.payment.events import PaymentForbidden, PaymentRefunded, PaymentVoided
from domain.shipment.events import LabelCancelled
from domain.stock.events import StockReleased
from ordersaga.operations.steering import Act
from ordersaga.operations.what_if import WhatIf, if_amended, if_cancelled, load_standing
from tests.support.faults.fault_matrix import BY, Play, Trouble
from tests.support.sagas.sagas import Handle
from tests.support.sagas.shop import document

_IN_DOUBT: Final[Mapping[type, str]] = {
    PaymentForbidden: "money",
    PaymentVoided: "money",
    PaymentRefunded: "money",
    LabelCancelled: "label",
    StockReleased: "stock",
    OrderCancelled: "order",
    OrderAmended: "order",
}
"""What of an order an event is about, as sentences of doubt name it."""


@dataclass
class Asked:
    """What was asked of one saga.

    Attributes:
        offered: the acts that it offered while it stood still.
        wrong: acts that were offered and refused, or not offered and accepted.
        taken: the offered act that was taken.
        what_if: what was said that it would do; None: nothing is said of such an act.
        happened: the events that were recorded from then on.
    """

    offered: tuple[str, ...] = ()
    wrong: list[str] = field(default_factory=list)
    taken: str | None = None
    what_if: WhatIf | None = None
    happened: Sequence[Any] = ()

    @property
    def surprises(self) -> list[str]:
        """How what happened differs from what was said, beside what was said to be in doubt."""
        if self.what_if is None:
            return []
        doubts = " ".join(self.what_if.doubts)
        said, came = _counted(self.what_if.events), _counted(self.happened)
        return [
            f"{what}: said {said[what]} times, happened {came[what]} times"
            for what in sorted({*said, *came}, key=str)
            if said[what] != came[what] and what[0] not in doubts
        ]


def _counted(events: Iterable[Any]) -> Counter[tuple[str, str, str]]:
    """Events of the kinds that a what-if is about, without what only a provider can say."""
    return Counter(
        (_IN_DOUBT[type(each)], type(each).__name__, _essence(each))
        for each in events
        if type(each) in _IN_DOUBT
    )


def _essence(event: Any) -> str:
    match event:
        case PaymentVoided() | PaymentRefunded():
            return str(event.amount)
        case StockReleased():
            return f"{event.quantity} of {event.sku}"
        case OrderAmended():
            return str(event.total)
        case LabelCancelled():
            return str(event.label_id)
        case _:
            return ""


class Asking(Play):
    """One cell whose saga is asked for everything, and then for one of the acts that it offers."""

    def __init__(self, *arguments: Any, take: int) -> None:
        super().__init__(*arguments)
        self._take = take
        self.asked = Asked()

    async def _operate(self, handle: Handle) -> str | None:
        attention = await self.until_it_waits(handle)
        status = await handle.query("status")
        self.asked.offered = tuple(status["actions"])
        await self._try_what_is_not_offered(handle)
        if self.asked.offered:
            await self._take_one(handle, status)
        self.repair()
        if attention and self.cell.trouble is Trouble.REFUSED:
            with suppress(WorkflowUpdateFailedError):  # the act may have settled it
                await handle.execute_update(Act.RETRY, BY)
        return attention

    async def _try_what_is_not_offered(self, handle: Handle) -> None:
        for act in Act:
            if act not in self.asked.offered and await self._accepts(handle, act):
                self.asked.wrong.append(f"{act} is not offered and was accepted")

    async def _take_one(self, handle: Handle, status: Mapping[str, Any]) -> None:
        act = Act(self.asked.offered[self._take % len(self.asked.offered)])
        head = len(await self._events())
        self.asked.taken, self.asked.what_if = act, await self._what_if(handle, act)
        if not await self._accepts(handle, act, status):
            self.asked.wrong.append(f"{act} is offered and was refused")
        if act is Act.HOLD:
            self.asked.offered = tuple((await handle.query("status"))["actions"])
            await self._try_what_is_not_offered(handle)
            if not await self._accepts(handle, Act.RESUME):
                self.asked.wrong.append("a hold could not be ended")
        self._seen = head

    async def what_happened(self) -> None:
        """Read, after the end, what was recorded since the act."""
        if self.asked.taken:
            self.asked.happened = (await self._events())[self._seen :]

    async def _what_if(self, handle: Handle, act: Act) -> WhatIf | None:
        if act not in (Act.CANCEL, Act.AMEND):
            return None
        standing = await load_standing(self.shop.handler, OrderId(self.order_id))
        if standing.content is None:
            return None  # nothing is recorded yet, and so no page shows the order
        if act is Act.AMEND:
            return if_amended(standing, [Pieces(LineId("1"), 1)])
        described = await handle.describe()
        running = [each.activity_type.name for each in described.raw_description.pending_activities]
        return if_cancelled(standing, running)

    async def _accepts(
        self, handle: Handle, act: Act, status: Mapping[str, Any] | None = None
    ) -> bool:
        try:
            await handle.execute_update(act, self._message(act, status or {}))
        except WorkflowUpdateFailedError as error:
            refusal = error.cause
            assert isinstance(refusal, ApplicationError), refusal
            assert refusal.type == faults.NOT_POSSIBLE.type, refusal
            return False
        return True

    def _message(self, act: Act, status: Mapping[str, Any]) -> dict[str, Any]:
        match act:
            case Act.RESOLVE:
                goods = status.get("goods")
                note = {"actor": BY["actor"], "note": "done by hand"}
                return {**note, "goods": goods[0]} if goods else note
            case Act.CHANGE_ADDRESS:
                address = document(self.order_id)["address"]
                return {**BY, "address": {**address, "line1": "2 Other Lane"}}
            case Act.AMEND:
                return {**BY, "lines": [{"line_id": "1", "quantity": 1}]}
            case Act.CHOOSE:
                return {**BY, "choice": "cancel"}
            case Act.PAY:
                return {**BY, "token": self.shop.good}
            case _:
                return BY

    async def _events(self) -> list[Any]:
        """The events of the order and its product, in the order in which they were recorded."""
        names = [
            *streams_of_order(OrderId(self.order_id)),
            stock_stream(Sku(f"{self.order_id}-sku")),
        ]
        streams = await self.shop.store.read_streams(names)
        events = sorted(
            (each for one in streams.values() for each in one), key=lambda e: e.position
        )
        return [self.shop.codec.decode(event) for event in events]
