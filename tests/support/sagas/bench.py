"""The activities over one shop, without a workflow: each call is a given attempt of an activity."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.failures import application_errors
from activities.inventory.activities import InventoryActivities
from activities.messages import CompensationRequest, ReserveInventory, SagaRef, StepRequest
from activities.orders.activities import OrderActivities
from activities.payments.activities import PaymentActivities
from activities.payments.another import PaymentReplacement
from activities.payments.own import OwnPayments
from activities.payments.refunds import RefundActivities
from activities.shipping.activities import ShippingActivities
from activities.shipping.own import OwnLabels
from domain.ids import OrderId
from domain.values import Address, Reason
from tests.support.sagas.shop import Shop, document
from workflows.documents.order import parse_document

A1 = OrderId("A1")
SAGA = SagaRef("order-A1", "run-1")
STEP = StepRequest(SAGA, A1)
UNDO = CompensationRequest(SAGA, A1, Reason.OPERATOR_REQUEST)


def as_attempt(method: Any) -> Any:
    """The activity with named failures, as a worker runs it."""

    async def attempt(request: Any) -> Any:
        with application_errors():
            return await method(request)

    return attempt


class OneSaga:
    """A saga that wants an address or a token recorded, or none."""

    def __init__(self) -> None:
        self.address: Address | None = None
        self.token: str | None = None

    async def address_change(self, _workflow_id: str, _run_id: str) -> Address | None:
        """See `activities.ports.Sagas`."""
        return self.address

    async def payment_token(self, _workflow_id: str, _run_id: str) -> str | None:
        """See `activities.ports.Sagas`."""
        return self.token


class Bench:
    """The activities over one shop, each call as a given attempt of a given activity."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.inventory = InventoryActivities(self.shop.handler, self.shop.payments.limits)
        own = OwnPayments(self.shop.payments, self.shop.installation)
        self.payments = PaymentActivities(self.shop.handler, own)
        self.refunds = RefundActivities(self.shop.handler, own)
        labels = OwnLabels(self.shop.carrier, self.shop.installation)
        self.shipping = ShippingActivities(self.shop.handler, labels)
        self.sagas = OneSaga()
        self.replacement = PaymentReplacement(self.shop.handler, own, self.sagas)
        self.orders = OrderActivities(self.shop.handler, self.shop.notifications, self.sagas)

    async def run(self, method: Any, request: Any, attempt: int = 1, again: str = "") -> Any:
        environment = ActivityEnvironment()
        name = method.__name__.replace("_", "-") + again
        now = datetime.now(UTC)
        environment.info = replace(
            environment.info, activity_id=name, attempt=attempt, scheduled_time=now
        )
        return await environment.run(as_attempt(method), request)

    async def refused(self, method: Any, request: Any, attempt: int = 1) -> ApplicationError:
        with pytest.raises(ApplicationError) as refusal:
            await self.run(method, request, attempt)
        return refusal.value

    def reservation(self, **changes: Any) -> ReserveInventory:
        return ReserveInventory(SAGA, parse_document(document("A1", **changes), "order-A1"))
