"""A carrier over HTTP, with the protocol of the carrier sandbox."""

from collections.abc import AsyncIterator

from activities.ports import CarrierLabel, LabelRequest, UnclearRecord
from adapters.providers.http_provider import HttpProvider
from adapters.providers.http_service import HttpService, build_body, in_path
from adapters.providers.provider import Provider
from adapters.providers.wire import BuyLabelBody, ForbidLabelBody, LabelBody, LabelPage
from domain.ids import OrderId


class HttpCarrier(HttpProvider[CarrierLabel]):
    """The carrier at `base_url`; implements carrier and ledger.

    Args:
        base_url: http or https URL of the service.
        timeout_s: seconds for a whole call.
        provider: what all calls of this process to it pass.
    """

    def __init__(
        self, base_url: str, timeout_s: float = 10.0, provider: Provider | None = None
    ) -> None:
        service = HttpService(provider or Provider("carrier"), base_url, timeout_s)
        super().__init__(service, "/labels", LabelBody, "label_id")

    async def buy_label(self, request: LabelRequest) -> CarrierLabel:
        """Buy a label; the same key returns the first result."""
        body = build_body("label", lambda: BuyLabelBody.of(request))
        return await self._post("", body, request.idempotency_key)

    async def forbid(
        self, order_id: OrderId, idempotency_key: str, installation: str
    ) -> CarrierLabel | None:
        """Make a key unusable; if a label was bought with it, return that label."""
        body = build_body(
            "forbid", lambda: ForbidLabelBody(installation=installation, order_id=order_id)
        )
        path, key = f"/by-key/{in_path(idempotency_key)}/forbid", idempotency_key
        return await self._post(path, body, key)

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Cancel a label; a label that is already cancelled is returned."""
        path = f"/{in_path(label_id)}/cancel"
        return await self._post(path, None, idempotency_key, label_id=label_id)

    def labels(self) -> AsyncIterator[CarrierLabel | UnclearRecord]:
        """All labels, including refused ones, oldest first."""
        return self._listing(LabelPage, lambda page: page.labels)
