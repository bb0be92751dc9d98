"""A whole stack with a webhook: what happens to an order is told to another system."""

from pathlib import Path

from ordersaga_client import OrderSagaClient

from tests.support.stack.stack import Up, order_document, until
from tests.support.stores.webhooks import SECRET, Receiver


async def test_a_stack_with_a_webhook_tells_what_happens_to_an_order(tmp_path: Path) -> None:
    receiver = Receiver()
    await receiver.start()
    up = Up(
        tmp_path / "data",
        ORDERSAGA_WEBHOOK_URL=receiver.url,
        ORDERSAGA_WEBHOOK_SECRET=SECRET,
    )
    try:
        await up.start()
        assert "notifications" in up.state().pids
        await up.receive("71053", 10, "first")
        async with up.services() as services:
            sagas = OrderSagaClient(await services.temporal())
            await sagas.place(order_document("N1"))
        await until(lambda: len(receiver.types("N1")) == 2, 60)
        status = (await up.ordersaga("notifications", "status", "--json")).json()
    finally:
        await up.stop()
        await receiver.stop()
    assert receiver.types("N1") == ["ordersaga.order.submitted", "ordersaga.order.completed"]
    assert "Example" not in str(receiver.requests)
    assert (status["delivered"], status["dead"]) == (2, 0)


async def test_a_stack_without_a_webhook_runs_no_sender(running_stack: Up) -> None:
    assert "notifications" not in running_stack.state().pids
