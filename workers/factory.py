"""Workers, one for each task queue. Each can be a process of its own."""

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
from workflows import policies
from workflows.delivery.workflow import OrderDelivery
from workflows.fulfillment.workflow import OrderFulfillment
from workflows.returns.workflow import OrderReturn

GRACE: Final = policies.ATTEMPT + timedelta(seconds=1)
"""How long a stopping worker waits for running activities."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the activities use."""

    handler: CommandHandler
    payments: PaymentGateway
    carrier: Carrier
    notifications: Notifications


@dataclass(frozen=True, slots=True)
class WorkerVersion:
    """Which build of the code a worker runs; see docs/versioning.md.

    A worker with a version gets no work until its version is the deployment's current one.

    Attributes:
        deployment: one name for all builds and all task queues of an installation.
        build: unique for every build of the code.
        pinned: a saga stays with the build that it began with. Otherwise open sagas move to the
            current build, which must replay their histories.
    """

    deployment: str
    build: str
    pinned: bool

    def config(self) -> WorkerDeploymentConfig:
        """The version as an option of Temporal's worker."""
        behavior = VersioningBehavior.PINNED if self.pinned else VersioningBehavior.AUTO_UPGRADE
        return WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(self.deployment, self.build),
            use_worker_versioning=True,
            default_versioning_behavior=behavior,
        )


def activities_of(queue: str, dependencies: Dependencies) -> Sequence[Callable[..., Any]]:
    """The activities of a task queue.

    Raises:
        KeyError: there is no such queue.
    """
    makers: Mapping[str, Callable[[Dependencies], Sequence[Callable[..., Any]]]] = {
        ORDERS_QUEUE: _orders,
        INVENTORY_QUEUE: _inventory,
        PAYMENTS_QUEUE: _payments,
        SHIPPING_QUEUE: _shipping,
    }
    return makers[queue](dependencies)


def polling() -> dict[str, Any]:
    """Worker options: how it polls for work."""
    return {
        "workflow_task_poller_behavior": PollerBehaviorAutoscaling(),
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
    }


def build_worker(
    client: Client,
    queue: str,
    dependencies: Dependencies,
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
        dependencies: event store, providers and notifications.
        max_concurrent_activities: how many activities run here at once.
        max_cached_workflows: sagas that are kept in memory between their tasks.
        grace: how long a stopping worker waits for running activities.
        version: the build that runs; None: no worker versioning.
        options: further options of `temporalio.worker.Worker`.

    Raises:
        KeyError: there is no such queue.
    """
    workflows = [OrderFulfillment, OrderDelivery, OrderReturn] if queue == ORDERS_QUEUE else []
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=activities_of(queue, dependencies),
        workflow_runner=workflow_runner(),
        max_concurrent_activities=max_concurrent_activities,
        max_cached_workflows=max_cached_workflows,
        graceful_shutdown_timeout=grace,
        deployment_config=version.config() if version else None,
        **polling(),
        **options,
    )


def _orders(dependencies: Dependencies) -> Sequence[Callable[..., Any]]:
    orders = OrderActivities(dependencies.handler, dependencies.notifications)
    returns = ReturnActivities(dependencies.handler, dependencies.notifications)
    return (
        orders.turn_back,
        orders.close_cancelled,
        orders.record_attention,
        orders.record_operator,
        orders.change_address,
        returns.open_return,
        returns.decide_return,
        returns.record_return_attention,
        returns.record_return_operator,
        returns.close_return,
    )


def _inventory(dependencies: Dependencies) -> Sequence[Callable[..., Any]]:
    inventory = InventoryActivities(dependencies.handler)
    returns = ReturnStockActivities(dependencies.handler)
    return (
        inventory.reserve_inventory,
        inventory.release_inventory,
        inventory.review_shortage,
        inventory.amend_order,
        returns.restock_return,
    )


def _payments(dependencies: Dependencies) -> Sequence[Callable[..., Any]]:
    payments = PaymentActivities(dependencies.handler, dependencies.payments)
    refunds = RefundActivities(dependencies.handler, dependencies.payments)
    return (
        payments.process_payment,
        payments.capture_payment,
        refunds.undo_payment,
        refunds.settle_payment,
        refunds.refund_return,
    )


def _shipping(dependencies: Dependencies) -> Sequence[Callable[..., Any]]:
    shipping = ShippingActivities(dependencies.handler, dependencies.carrier)
    parcels = DeliveryActivities(dependencies.handler, dependencies.notifications)
    return (
        shipping.create_shipment,
        shipping.cancel_shipment,
        parcels.record_scan,
        parcels.record_delivery_attention,
        parcels.record_delivery_operator,
    )
