"""What a saga is measured against: a Temporal workflow with three empty remote activities."""

from datetime import timedelta

from temporalio import activity, workflow

from activities.messages import INVENTORY_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE

BARE = "Bare"


@activity.defn
async def nothing(order_id: str) -> str:
    """Answer at once."""
    return order_id


@workflow.defn(name=BARE)
class Bare:
    """One empty activity on each of the queues that a saga uses."""

    @workflow.run
    async def run(self, order_id: str) -> str:
        """Ask for the activities one after the other."""
        for queue in (INVENTORY_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE):
            await workflow.execute_activity(
                nothing,
                order_id,
                task_queue=queue,
                start_to_close_timeout=timedelta(seconds=10),
                schedule_to_close_timeout=timedelta(minutes=2),
            )
        return order_id
