"""Commands for an order whose parcel has left before its undo, and for a saga that was ended."""

from ordersaga_client import OrderSagaClient
from temporalio.client import WorkflowHandle

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.stack import Up, order_document, until

SKU = "55530"
ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}


async def begin(up: Up, order_id: str) -> None:
    """Start an order that is captured on shipment."""
    await up.receive(SKU, 2, f"for {order_id}")
    line = {"sku": SKU, "description": "LANTERN", "quantity": 2, "unit_price_minor": 300}
    document = order_document(order_id, payment=ON_SHIPMENT, lines=[line])
    async with up.services() as services:
        await OrderSagaClient(await services.temporal()).place(document)


async def until_saga(up: Up, order_id: str, **expected: object) -> None:
    shown: dict[str, object] = {}

    async def reached() -> bool:
        shown.update((await up.ordersaga("saga", "show", order_id, "--json")).json())
        return all(shown.get(name) == value for name, value in expected.items())

    try:
        await until(reached, timeout_s=120)
    except TimeoutError:
        raise AssertionError(f"wanted {expected}, shown {shown}") from None


async def is_cancelled(up: Up, order_id: str) -> bool:
    order = (await up.ordersaga("order", "show", order_id, "--json")).json()
    return bool(order["status"] == "cancelled")


async def test_the_command_line_asks_what_becomes_of_goods_that_left_and_takes_the_answer(
    running_stack: Up,
) -> None:
    up, order_id = running_stack, "LEFT1"
    down = await up.payment.add(Fault(FaultKind.UNAVAILABLE, "capture", order_id))
    try:
        await begin(up, order_id)
        await until_saga(up, order_id, step="capture_payment")
        report = ("parcel", "report", order_id, "--status", "handed_over")
        assert (await up.ordersaga(*report)).code == 0
        await up.payment.add(Fault(FaultKind.DECLINED, "capture", order_id, times=1))
    finally:
        await up.payment.remove(down)
    # It is refused if the saga has tried again by itself meanwhile.
    await up.ordersaga("saga", "retry", order_id, "--reason", "the provider is back")
    asked = "an operator: say what becomes of the goods, or retry"
    await until_saga(up, order_id, step="cancel_shipment", waits_for=asked)
    shown = await up.ordersaga("saga", "show", order_id)
    assert "the parcel has left" in " ".join(shown.out.split())
    resolve = ("saga", "resolve", order_id, "--reason", "asked the carrier")
    without = await up.ordersaga(*resolve)
    assert (without.code, "goods" in without.err) == (1, True), without.err
    wrong = await up.ordersaga(*resolve, "--goods", "sold")
    assert (wrong.code, "coming_back" in wrong.err) == (2, True), wrong.err
    answered = await up.ordersaga(*resolve, "--goods", "coming_back")
    assert answered.code == 0, answered.err
    await until(lambda: is_cancelled(up, order_id), timeout_s=120)


async def test_recover_waits_for_what_it_started_and_says_what_became_of_it(
    running_stack: Up,
) -> None:
    up, order_id = running_stack, "LOST1"
    down = await up.payment.add(Fault(FaultKind.UNAVAILABLE, "capture", order_id))
    try:
        await begin(up, order_id)
        await until_saga(up, order_id, step="capture_payment")
        async with up.services() as services:
            client = await services.temporal()
            handle: WorkflowHandle[object, object] = client.get_workflow_handle(f"order-{order_id}")
            await handle.terminate("lost")
    finally:
        await up.payment.remove(down)
    ended = await up.ordersaga("recover", "--wait", "--within", "120", "--json")
    assert ended.code == 0, ended.err
    [mine] = [each for each in ended.json()["orders"] if each["order_id"] == order_id]
    assert (mine["outcome"], mine["became"]) == ("started", "completed")
