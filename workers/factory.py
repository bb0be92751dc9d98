"""Workers: one per task queue, each fit to be a process of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    Worker,
    WorkerDeploymentConfig,
)

from activities.inventory.activities import InventoryActivities
from activities.inventory.restock import ReturnStockActivities
from activities.messages import (
    INVENTORY_QUEUE,
    ORDERS_QUEUE,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
)
from activities.orders.activities import OrderActivities
from activities.payments.activities import PaymentActivities
from activities.payments.refunds import RefundActivities
from activities.ports import Carrier, Notifications, PaymentGateway
from activities.returns.activities import ReturnActivities
from activities.shipping.activities import ShippingActivities
from activities.shipping.parcel import DeliveryActivities
from eventstore.commands.handler import CommandHandler
from workers.sandbox import workflow_runner
from workflows.delivery.workflow import OrderDelivery
from workflows.fulfillment.workflow import OrderFulfillment
from workflows.policies import ATTEMPT
from workflows.returns.workflow import OrderReturn

GRACE: Final = ATTEMPT + timedelta(seconds=1)
"""How long a worker that is told to stop waits for the activities that are under way."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the activities talk to."""

    handler: CommandHandler
    payments: PaymentGateway
    carrier: Carrier
    notifications: Notifications


@dataclass(frozen=True, slots=True)
class WorkerVersion:
    """Which build of the code a worker runs; see docs/versioning.md.

    A worker with a version gets no work until its version is made the deployment's current one.

    Attributes:
        deployment: the same name for all builds and all task queues of one installation.
        build: another one for every build of the code.
        pinned: a saga stays with the build that it began with; otherwise open sagas move on to the
            current build, which then must replay their histories.
    """

    deployment: str
    build: str
    pinned: bool

    def config(self) -> WorkerDeploymentConfig:
        """As Temporal's worker takes it."""
        behavior = VersioningBehavior.PINNED if self.pinned else VersioningBehavior.AUTO_UPGRADE
        return WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(self.deployment, self.build),
            use_worker_versioning=True,
            default_versioning_behavior=behavior,
        )


def activities_of(queue: str, outside: Outside) -> Sequence[Callable[..., Any]]:
    """The activities of a task queue.

    Raises:
        KeyError: there is no such queue.
    """
    makers: Mapping[str, Callable[[Outside], Sequence[Callable[..., Any]]]] = {
        ORDERS_QUEUE: _orders,
        INVENTORY_QUEUE: _inventory,
        PAYMENTS_QUEUE: _payments,
        SHIPPING_QUEUE: _shipping,
    }
    return makers[queue](outside)


def polling() -> dict[str, Any]:
    """Worker options: how it asks for work."""
    return {
        "workflow_task_poller_behavior": PollerBehaviorAutoscaling(),
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
    }


def build_worker(
    client: Client,
    queue: str,
    outside: Outside,
    *,
    max_concurrent_activities: int = 100,
    max_cached_workflows: int = 1000,
    grace: timedelta = GRACE,
    version: WorkerVersion | None = None,
    **options: Any,
) -> Worker:
    """A worker for one task queue; the queue ``orders`` also runs the workflows.

    Args:
        client: connected, with the data converter of `workers.converter`.
        queue: one of `activities.messages.ALL_QUEUES`.
        outside: event store, providers and notifications.
        max_concurrent_activities: how many activities of the queue run here at once.
        max_cached_workflows: sagas kept in memory between their tasks.
        grace: how long a stopping worker waits for activities that are under way.
        version: the build that it runs; None: worker versioning is off.
        options: anything else that `temporalio.worker.Worker` takes.

    Raises:
        KeyError: there is no such queue.
    """
    workflows = [OrderFulfillment, OrderDelivery, OrderReturn] if queue == ORDERS_QUEUE else []
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=activities_of(queue, outside),
        workflow_runner=workflow_runner(),
        max_concurrent_activities=max_concurrent_activities,
        max_cached_workflows=max_cached_workflows,
        graceful_shutdown_timeout=grace,
        deployment_config=version.config() if version else None,
        **polling(),
        **options,
    )


def _orders(outside: Outside) -> Sequence[Callable[..., Any]]:
    of = OrderActivities(outside.handler, outside.notifications)
    returns = ReturnActivities(outside.handler, outside.notifications)
    return (
        of.turn_back,
        of.close_cancelled,
        of.record_attention,
        of.record_operator,
        of.change_address,
        returns.open_return,
        returns.decide_return,
        returns.record_return_attention,
        returns.record_return_operator,
        returns.close_return,
    )


def _inventory(outside: Outside) -> Sequence[Callable[..., Any]]:
    of = InventoryActivities(outside.handler)
    returns = ReturnStockActivities(outside.handler)
    return (
        of.reserve_inventory,
        of.release_inventory,
        of.review_shortage,
        of.amend_order,
        returns.restock_return,
    )


def _payments(outside: Outside) -> Sequence[Callable[..., Any]]:
    of = PaymentActivities(outside.handler, outside.payments)
    refunds = RefundActivities(outside.handler, outside.payments)
    return (
        of.process_payment,
        of.capture_payment,
        refunds.undo_payment,
        refunds.settle_payment,
        refunds.refund_return,
    )


def _shipping(outside: Outside) -> Sequence[Callable[..., Any]]:
    of = ShippingActivities(outside.handler, outside.carrier)
    parcels = DeliveryActivities(outside.handler, outside.notifications)
    return (
        of.create_shipment,
        of.cancel_shipment,
        parcels.record_scan,
        parcels.record_delivery_attention,
        parcels.record_delivery_operator,
    )
