"""Workers, one for each task queue. Each can be a process of its own."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig

from activities.inventory.activities import InventoryActivities
from activities.inventory.restock import ReturnStockActivities
from activities.jobs.activities import JobActivities, OrderActs
from activities.messages import INVENTORY_QUEUE, ORDERS_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE
from activities.orders.activities import OrderActivities
from activities.payment_port import PaymentGateway
from activities.payments.activities import PaymentActivities
from activities.payments.another import PaymentReplacement
from activities.payments.own import OwnPayments
from activities.payments.refunds import RefundActivities
from activities.ports import Carrier, Installation, Notifications, Sagas
from activities.returns.activities import ReturnActivities
from activities.shipping.activities import ShippingActivities
from activities.shipping.own import OwnLabels
from activities.shipping.parcel import DeliveryActivities
from domain.parcel_left import IfLeft
from eventstore.commands.handler import CommandHandler
from workers.attempts import Attempts
from workers.sagas import RunningSagas
from workers.sandbox import workflow_runner
from workflows import policies
from workflows.delivery.workflow import OrderDelivery
from workflows.fulfillment.workflow import OrderFulfillment
from workflows.jobs.workflow import OperatorJob
from workflows.returns.workflow import OrderReturn

WORKFLOWS: Final = (OrderFulfillment, OrderDelivery, OrderReturn, OperatorJob)
GRACE: Final = policies.ATTEMPT + timedelta(seconds=1)
"""How long a stopping worker waits for running activities."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the activities use.

    `order_acts`: makes what jobs act by. `cancel_after_s`: how long a provider may fail before an
    order that does not say anything about it is cancelled; None: the order waits. `if_left`: what
    is done about a parcel that has left before its order is undone, if the order does not say
    anything about it.
    """

    handler: CommandHandler
    payments: PaymentGateway
    carrier: Carrier
    notifications: Notifications
    installation: Installation
    order_acts: Callable[[Client], OrderActs]
    cancel_after_s: float | None = None
    if_left: IfLeft = IfLeft.ASK


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


def activities_of(
    queue: str, dependencies: Dependencies, sagas: Sagas, order_acts: OrderActs
) -> Sequence[Callable[..., Any]]:
    """The activities of a task queue: the public methods of its classes.

    Raises:
        KeyError: there is no such queue.
    """
    handler, notifications = dependencies.handler, dependencies.notifications
    payments = OwnPayments(dependencies.payments, dependencies.installation)
    labels = OwnLabels(dependencies.carrier, dependencies.installation)
    queues: Mapping[str, tuple[object, ...]] = {
        ORDERS_QUEUE: (
            OrderActivities(handler, notifications, sagas),
            ReturnActivities(handler, notifications),
            JobActivities(order_acts),
        ),
        INVENTORY_QUEUE: (
            InventoryActivities(
                handler,
                dependencies.payments.limits,
                dependencies.cancel_after_s,
                dependencies.if_left,
            ),
            ReturnStockActivities(handler),
        ),
        PAYMENTS_QUEUE: (
            PaymentActivities(handler, payments),
            PaymentReplacement(handler, payments, sagas),
            RefundActivities(handler, payments),
        ),
        SHIPPING_QUEUE: (
            ShippingActivities(handler, labels),
            DeliveryActivities(handler, notifications),
        ),
    }
    return [
        method
        for activities in queues[queue]
        for name, method in inspect.getmembers(activities, inspect.ismethod)
        if not name.startswith("_")
    ]


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
    grace: timedelta = GRACE,
    version: WorkerVersion | None = None,
    interceptors: Sequence[Interceptor] = (),
    **options: Any,
) -> Worker:
    """A worker for one task queue; the queue ``orders`` also runs the workflows.

    Args:
        client: connected, with the data converter of `workers.converter`.
        queue: one of `activities.messages.ALL_QUEUES`.
        dependencies: event store, providers and notifications.
        grace: how long a stopping worker waits for running activities.
        version: the build that runs; None: no worker versioning.
        interceptors: further interceptors.
        options: further options of `temporalio.worker.Worker`.

    Raises:
        KeyError: there is no such queue.
    """
    return Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS if queue == ORDERS_QUEUE else (),
        activities=activities_of(
            queue, dependencies, RunningSagas(client), dependencies.order_acts(client)
        ),
        workflow_runner=workflow_runner(),
        graceful_shutdown_timeout=grace,
        deployment_config=version.config() if version else None,
        interceptors=[Attempts(), *interceptors],
        **polling(),
        **options,
    )
