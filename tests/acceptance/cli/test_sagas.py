"""Commands that need the whole stack: sagas, read models, and verify over all of it."""

from pathlib import Path

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.stack import Up, until
from tests.unit.ordersaga.importing.builders import row, write

COUNT = 6


def lines_of(prefix: str, sku: str) -> list[dict[str, str]]:
    return [
        row(InvoiceNo=f"{prefix}{n}", StockCode=sku, CustomerID="90001", Quantity="3")
        for n in range(COUNT)
    ]


async def test_imported_orders_go_through_their_sagas_and_can_be_looked_at(
    running_stack: Up, tmp_path: Path
) -> None:
    up, report = running_stack, str(tmp_path / "report.csv")
    file = write(tmp_path, *lines_of("5551", "55510"))
    command = ("import", str(file), "--with-stock", "65", "--report", report, "--json")
    summary = (await up.ordersaga(*command)).json()
    # 65 % of 18 pieces, rounded up, are 12: enough for four orders of three.
    assert (summary["orders_new"], summary["pieces_received"]) == (COUNT, 12)

    async def all_ended() -> bool:
        orders = (await up.ordersaga("orders", "customer", "90001", "--json")).json()["items"]
        mine = [x for x in orders if x["order_id"].startswith("5551")]
        return len(mine) == COUNT and {x["status"] for x in mine} <= {"completed", "cancelled"}

    await until(all_ended, timeout_s=90)
    listed = (await up.ordersaga("saga", "list", "--limit", "1000", "--json")).json()
    mine = [saga for saga in listed if saga["order_id"].startswith("5551")]
    assert sorted(saga["order_status"] for saga in mine) == ["cancelled"] * 2 + ["completed"] * 4

    done = next(saga["order_id"] for saga in mine if saga["order_status"] == "completed")
    shown = (await up.ordersaga("saga", "show", done, "--json")).json()
    assert (shown["run_status"], shown["outcome"], shown["note"]) == (
        "completed",
        "completed",
        None,
    )
    assert shown["link"].endswith(f"/workflows/order-{done}")

    story = (await up.ordersaga("order", "history", done, "--json")).json()
    assert {entry["stream"] for entry in story} == {
        f"order-{done}",
        f"payment-{done}",
        f"shipment-{done}",
        f"fulfillment-{done}",
        "stock-55510",
    }
    assert [e["position"] for e in story] == sorted(e["position"] for e in story)
    told = (await up.ordersaga("orders", "history", done, "--json")).json()["items"]
    assert [e["position"] for e in told] == [e["position"] for e in story]
    audit = (await up.ordersaga("audit", done, "--json")).json()["items"]
    assert {"import", "saga"} == {entry["actor"] for entry in audit}

    stock = (await up.ordersaga("stock", "show", "55510", "--json")).json()
    assert (stock["on_hand"], stock["reserved"]) == (0, 0)
    demand = (await up.ordersaga("demand", "top", "--limit", "1000", "--json")).json()["items"]
    (product,) = [x for x in demand if x["sku"] == "55510"]
    assert (product["ordered"], product["shipped"], product["cancelled"]) == (18, 12, 6)

    late = await up.ordersaga("order", "cancel", done)
    assert (late.code, late.err.count("\n")) == (1, 1)


async def test_a_held_saga_says_so_and_goes_on_or_is_cancelled(
    running_stack: Up, tmp_path: Path
) -> None:
    up = running_stack
    await up.receive("55520", 100, "55520")
    fault = await up.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "55521*", delay_s=60))
    try:
        file = write(tmp_path, *lines_of("55521", "55520")[:1])
        command = ("import", str(file), "--report", str(tmp_path / "r.csv"))
        assert (await up.ordersaga(*command)).code == 0
        await up.payment.wait_until_holding(fault)
        running = (await up.ordersaga("saga", "list", "--running", "--limit=1000", "--json")).json()
        assert "555210" in {saga["order_id"] for saga in running}
        held = (
            await up.ordersaga("saga", "hold", "555210", "--reason", "a look first", "--json")
        ).json()
        assert held["held_by"].startswith("cli:")
        shown = await up.ordersaga("saga", "show", "555210")
        assert "process_payment" in shown.out
        assert "attempt" in shown.out
        cancelled = await up.ordersaga("saga", "cancel", "555210", "--reason", "not wanted")
        assert cancelled.code == 0, cancelled.err
    finally:
        await up.payment.remove(fault)

    async def is_cancelled() -> bool:
        order = (await up.ordersaga("order", "show", "555210", "--json")).json()
        return bool(order["status"] == "cancelled")

    await until(is_cancelled, timeout_s=120)
    story = (await up.ordersaga("order", "history", "555210", "--json")).json()
    acted = [entry["what"] for entry in story if entry["event_type"] == "OperatorActed"]
    assert any("a look first" in what for what in acted)
    assert any("not wanted" in what for what in acted)


async def test_an_unknown_saga_is_refused(running_stack: Up) -> None:
    for command in (("show",), ("hold", "--reason", "x"), ("cancel", "--reason", "x")):
        ended = await running_stack.ordersaga("saga", command[0], "nobody", *command[1:])
        assert (ended.code, ended.out) == (1, ""), ended.err
        assert "nobody" in ended.err
