"""A carrier over HTTP, as the carrier sandbox speaks it."""

from collections.abc import AsyncIterator

from activities.ports import CarrierLabel, LabelRequest
from adapters.providers.http_service import HttpService, NotFoundThere, expressed, in_path
from adapters.providers.wire import BuyLabelBody, ForbidLabelBody, LabelBody, LabelPage
from domain.ids import OrderId

_PAGE = 500


class HttpCarrier:
    """The carrier at `base_url`; carrier and ledger in one.

    Args:
        base_url: http or https URL of the service.
        timeout_s: seconds that a whole call may take.
    """

    def __init__(self, base_url: str, timeout_s: float = 10.0) -> None:
        self._service = HttpService("carrier", base_url, timeout_s)

    async def buy_label(self, request: LabelRequest) -> CarrierLabel:
        """Buy a label; the same key returns the first result."""
        body = expressed("label", lambda: BuyLabelBody.of(request))
        answer = await self._service.post("/labels", body, request.idempotency_key, LabelBody)
        label = answer.to_label()
        asked = (request.idempotency_key, request.order_id)
        if (label.idempotency_key, label.order_id) != asked:
            self._service.reject_answer("/labels", changes=True)
        return label

    async def find(self, idempotency_key: str) -> CarrierLabel | None:
        """The label as it stands now, or None if the key was never seen."""
        path = f"/labels/by-key/{in_path(idempotency_key)}"
        try:
            label = (await self._service.get(path, LabelBody)).to_label()
        except NotFoundThere:
            return None
        if label.idempotency_key != idempotency_key:
            self._service.reject_answer(path, changes=False)
        return label

    async def forbid(self, order_id: OrderId, idempotency_key: str) -> CarrierLabel | None:
        """Take a key out of use, unless a label was bought under it: then that label."""
        body = expressed("forbid", lambda: ForbidLabelBody(order_id=order_id))
        path = f"/labels/by-key/{in_path(idempotency_key)}/forbid"
        label = (await self._service.post(path, body, idempotency_key, LabelBody)).to_label()
        if (label.idempotency_key, label.order_id) != (idempotency_key, order_id):
            self._service.reject_answer(path, changes=True)
        return label

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Take a label back; cancelling a cancelled label returns it."""
        path = f"/labels/{in_path(label_id)}/cancel"
        label = (await self._service.post(path, None, idempotency_key, LabelBody)).to_label()
        if label.label_id != label_id:
            self._service.reject_answer(path, changes=True)
        return label

    async def labels(self) -> AsyncIterator[CarrierLabel]:
        """Every label, refused ones included, in the order they were bought."""
        after: int | None = 0
        while after is not None:
            page = await self._service.get("/labels", LabelPage, {"after": after, "limit": _PAGE})
            for body in page.labels:
                yield body.to_label()
            after = page.next

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()
