"""A carrier over HTTP, with the protocol of the carrier sandbox."""

from collections.abc import AsyncIterator

from activities.ports import CarrierLabel, LabelRequest
from adapters.providers.http_service import HttpService, NotFound, build_body, in_path
from adapters.providers.wire import BuyLabelBody, ForbidLabelBody, LabelBody, LabelPage
from domain.ids import OrderId

_PAGE = 500


class HttpCarrier:
    """The carrier at `base_url`; implements carrier and ledger.

    Args:
        base_url: http or https URL of the service.
        timeout_s: seconds for a whole call.
    """

    def __init__(self, base_url: str, timeout_s: float = 10.0) -> None:
        self._service = HttpService("carrier", base_url, timeout_s)

    async def buy_label(self, request: LabelRequest) -> CarrierLabel:
        """Buy a label; the same key returns the first result."""
        body = build_body("label", lambda: BuyLabelBody.of(request))
        answer = await self._service.post("/labels", body, request.idempotency_key, LabelBody)
        label = answer.to_label()
        expected = (request.idempotency_key, request.order_id)
        if (label.idempotency_key, label.order_id) != expected:
            self._service.reject_answer("/labels", changes=True)
        return label

    async def find(self, idempotency_key: str) -> CarrierLabel | None:
        """The label in its current state, or None if the key was never used."""
        path = f"/labels/by-key/{in_path(idempotency_key)}"
        try:
            label = (await self._service.get(path, LabelBody)).to_label()
        except NotFound:
            return None
        if label.idempotency_key != idempotency_key:
            self._service.reject_answer(path, changes=False)
        return label

    async def forbid(self, order_id: OrderId, idempotency_key: str) -> CarrierLabel | None:
        """Make a key unusable; if a label was bought with it, return that label."""
        body = build_body("forbid", lambda: ForbidLabelBody(order_id=order_id))
        path = f"/labels/by-key/{in_path(idempotency_key)}/forbid"
        label = (await self._service.post(path, body, idempotency_key, LabelBody)).to_label()
        if (label.idempotency_key, label.order_id) != (idempotency_key, order_id):
            self._service.reject_answer(path, changes=True)
        return label

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Cancel a label; a label that is already cancelled is returned."""
        path = f"/labels/{in_path(label_id)}/cancel"
        label = (await self._service.post(path, None, idempotency_key, LabelBody)).to_label()
        if label.label_id != label_id:
            self._service.reject_answer(path, changes=True)
        return label

    async def labels(self) -> AsyncIterator[CarrierLabel]:
        """All labels, including refused ones, oldest first."""
        after: int | None = 0
        while after is not None:
            page = await self._service.get("/labels", LabelPage, {"after": after, "limit": _PAGE})
            for body in page.labels:
                yield body.to_label()
            after = page.next

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()
