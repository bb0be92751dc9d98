"""Goods and money that go back: two decisions, each carried out once."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import CancelledError

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.returns import (
    BY,
    case_of,
    completed,
    on_hand,
    open_return,
    refunded_minor,
    return_document,
)
from tests.support.sagas.sagas import activities_of, failure, result, until_status
from tests.support.sagas.shop import Shop


async def test_part_of_an_order_comes_back_with_both_decisions_given_at_the_start(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id, refund="full", restock="all")
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["refund_minor"], outcome["restocked"]) == (
        "closed",
        150,
        True,
    )
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)
    assert (await case_of(shop, order_id)).closed
    assert sorted(await activities_of(handle)) == [
        "close-return",
        "open-return",
        "refund-return",
        "restock-return",
    ]


async def test_a_return_waits_for_each_decision_and_shows_that_it_needs_attention(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id)
    await until_status(handle, undecided=["refund", "restock"], needs_attention=True)
    answer = await handle.execute_update("decide_refund", {"refund": {"amount_minor": 100}, **BY})
    assert answer == {"accepted": True, "amount_minor": 100}
    status = await until_status(handle, undecided=["restock"])
    assert "restock" in status["attention"]
    await handle.execute_update("decide_restock", {"restock": "none", **BY})
    assert (await result(handle))["refund_minor"] == 100
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (100, 8)
    [notice] = shop.notifications.notices
    assert notice.waiting_for == "decide about refund and restock of return R1"


async def test_decisions_sent_as_signals_count_and_bad_ones_are_ignored(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id)
    await handle.signal("decide_refund", {"refund": "plenty", **BY})
    await handle.signal("decide_refund", {"refund": "none", **BY})
    await handle.signal("decide_refund", {"refund": "full", **BY})
    await handle.signal("decide_restock", {"restock": [{"line_id": "1", "quantity": 1}], **BY})
    outcome = await result(handle)
    assert (outcome["refund_minor"], outcome["restock"]) == (0, [{"line_id": "1", "quantity": 1}])
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (0, 9)


async def test_a_decision_that_asks_for_too_much_is_refused_and_the_return_waits_on(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id)
    await until_status(handle, undecided=["refund", "restock"])
    with pytest.raises(WorkflowUpdateFailedError) as too_much:
        await handle.execute_update("decide_refund", {"refund": {"amount_minor": 301}, **BY})
    assert "only 300 minor units" in str(too_much.value.cause)
    two = [{"line_id": "1", "quantity": 2}]
    with pytest.raises(WorkflowUpdateFailedError) as too_many:
        await handle.execute_update("decide_restock", {"restock": two, **BY})
    assert "only 1 of" in str(too_many.value.cause)
    await until_status(handle, undecided=["refund", "restock"], needs_attention=True)
    await handle.execute_update("decide_refund", {"refund": "none", **BY})
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("decide_refund", {"refund": "full", **BY})
    await handle.execute_update("decide_restock", {"restock": "none", **BY})
    assert (await result(handle))["refund_minor"] == 0


async def test_returns_side_by_side_never_give_back_more_than_was_captured(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    first, second = [
        await open_return(client, order_id, return_id, restock="all") for return_id in ("R1", "R2")
    ]
    wish = {"refund": {"amount_minor": 200}, **BY}
    answers = await asyncio.gather(
        first.execute_update("decide_refund", wish),
        second.execute_update("decide_refund", wish),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, dict) for answer in answers) == 1
    loser = second if isinstance(answers[0], dict) else first
    await loser.execute_update("decide_refund", {"refund": "full", **BY})
    assert {(await result(x))["refund_minor"] for x in (first, second)} == {200, 100}
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (300, 10)


async def test_a_refund_whose_answer_was_lost_is_made_once(client: Client, shop: Shop) -> None:
    order_id = await completed(client, shop)
    shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="refund", times=2))
    outcome = await result(await open_return(client, order_id, refund="full", restock="none"))
    assert outcome["refund_minor"] == 150
    assert shop.payments.count("refund") == 3
    assert await refunded_minor(shop, order_id) == 150
    assert (await shop.story(order_id)).count("PaymentRefunded") == 1


async def test_a_refund_that_fails_for_good_waits_for_a_person_while_the_goods_go_back(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    fault = Fault(FaultKind.INVALID, operation="refund")
    shop.payments.faults.add(fault)
    handle = await open_return(client, order_id, refund="full", restock="all")
    status = await until_status(handle, needs_attention=True, restocked=True)
    assert "refund pending" in status["attention"]
    assert await on_hand(shop, order_id) == 9
    await handle.execute_update("retry", BY)
    await until_status(handle, needs_attention=True)
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)
    assert (await result(handle))["refund_reference"] == (
        f"{shop.installation.id}:order-{order_id}:refund:R1"
    )
    assert await refunded_minor(shop, order_id) == 150
    story = await shop.story(order_id)
    assert story.count("ReturnOperatorActed") == 2
    assert story.count("ReturnAttentionRequired") == 2


async def test_a_refund_settled_by_hand_is_recorded_on_that_persons_word(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="refund"))
    handle = await open_return(client, order_id, refund="full", restock="none")
    await until_status(handle, needs_attention=True)
    await handle.execute_update("resolve", {"actor": "anna", "note": "bank transfer"})
    assert (await result(handle))["refund_reference"] == "by-hand:R1:anna"
    assert await refunded_minor(shop, order_id) == 0


async def test_the_same_return_again_is_the_same_case_and_another_content_a_conflict(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    first = await result(await open_return(client, order_id, refund="full", restock="all"))
    again = await open_return(client, order_id, refund="full", restock="all")
    assert await result(again) == first
    assert await activities_of(again) == ["open-return"]
    other = await failure(await open_return(client, order_id, lines="all"))
    assert other.type == "ReturnConflict"
    undecided = await open_return(client, order_id, refund="none")
    assert (await failure(undecided)).type == "ReturnRefused"
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)


BAD_RETURNS: dict[str, tuple[dict[str, Any], str]] = {
    "no lines": ({"lines": []}, "lines:"),
    "no such kind": ({"kind": "gift"}, "kind:"),
    "half a mug": ({"lines": [{"line_id": "1", "quantity": 0.5}]}, "lines.0.quantity:"),
    "an odd refund": ({"refund": "some"}, "refund:"),
    "a negative refund": ({"refund": {"amount_minor": -1}}, "refund.amount_minor:"),
    "an odd restock": ({"restock": [{"line_id": "1"}]}, "restock.0.quantity: is missing"),
    "another id": ({"return_id": "R2"}, "return_id: needs the workflow id"),
    "a hyphen": ({"return_id": "R-1"}, "return_id:"),
    "a kind that is not its id": ({"kind": "lost"}, "return_id: must be the kind"),
    "nobody": ({"actor": " "}, "actor:"),
    "an unknown field": ({"colour": "red"}, "colour: is not a known field"),
}


@pytest.mark.parametrize(("changes", "problem"), BAD_RETURNS.values(), ids=BAD_RETURNS.keys())
async def test_a_bad_return_fails_at_once_and_names_the_field(
    client: Client, shop: Shop, changes: dict[str, Any], problem: str
) -> None:
    content = {**return_document("A1"), **changes}
    refused = await failure(await open_return(client, "A1", content=content))
    assert refused.type == "InvalidDocument"
    assert problem in refused.message
    assert await shop.story("A1") == []


@pytest.mark.parametrize("content", [[], "return", 5, {}], ids=str)
async def test_what_is_no_return_at_all_fails_at_once(
    client: Client, shop: Shop, content: Any
) -> None:
    refused = await failure(await open_return(client, "A1", content=content))
    assert refused.type == "InvalidDocument"


@pytest.mark.parametrize("workflow_type", ["OrderReturn", "OrderDelivery"])
async def test_more_inputs_than_one_fail_at_once(
    client: Client, shop: Shop, workflow_type: str
) -> None:
    kind = "delivery-A1" if workflow_type == "OrderDelivery" else "return-A1-R1"
    handle = await client.start_workflow(workflow_type, args=[{}, {}], id=kind, task_queue="orders")
    assert (await failure(handle)).type == "InvalidDocument"
    assert await shop.story("A1") == []


@pytest.mark.parametrize("content", [[], {"updates": [{"status": "lost"}]}, {"scans": []}], ids=str)
async def test_a_delivery_that_is_handed_nonsense_fails_at_once(
    client: Client, shop: Shop, content: Any
) -> None:
    handle = await client.start_workflow(
        "OrderDelivery", content, id="delivery-A1", task_queue="orders"
    )
    assert (await failure(handle)).type == "InvalidDocument"


async def test_nothing_comes_back_of_an_order_that_was_never_shipped(
    client: Client, shop: Shop
) -> None:
    refused = await failure(await open_return(client, "nobody-knows-it"))
    assert (refused.type, "there is no order" in refused.message) == ("ReturnRefused", True)
    order_id = await completed(client, shop)
    three = [{"line_id": "1", "quantity": 3}]
    refused = await failure(await open_return(client, order_id, lines=three))
    assert "2 are left to return" in refused.message
    assert "ReturnOpened" not in await shop.story(order_id)


async def test_a_return_cancelled_through_temporal_answers_open_decisions_with_no(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id, restock="all")
    await until_status(handle, undecided=["refund"])
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as ended:
        await result(handle)
    assert isinstance(ended.value.cause, CancelledError)
    case = await case_of(shop, order_id)
    assert (case.closed, case.restocked, case.refund and case.refund.minor) == (True, True, 0)
