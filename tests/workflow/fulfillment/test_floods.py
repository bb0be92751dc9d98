"""A saga that is told too much: everything is taken, or refused by name; nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.long_runs import BY
from tests.support.sagas.sagas import (
    Handle,
    failed_tasks,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, running_workers
from workflows import policies

AT_ONCE = 40
SHORT = 300  # events of a run in the short form
REFUSED_BY_NAME = (
    "NotPossibleNow",
    "UnprocessedUpdate",  # the server's word for one that came just when the run went on
    str(RPCStatusCode.RESOURCE_EXHAUSTED),
    str(RPCStatusCode.UNAVAILABLE),
)


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[Shop]:
    shop = Shop()
    async with running_workers(client, shop):
        yield shop


SIZES = [
    pytest.param(600, SHORT, id="short"),
    pytest.param(10_000, policies.MOST_EVENTS, id="full", marks=pytest.mark.long),
]


async def each(todo: Iterable[int], act: Callable[[int], Awaitable[None]]) -> None:
    """Do something for each number, some at once."""
    left = iter(todo)

    async def lane() -> None:
        for number in left:
            await act(number)

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))


async def chain_of(client: Client, handle: Handle) -> list[Handle]:
    """All runs of a saga, the latest first."""
    runs, run_id = [], str((await handle.describe()).run_id)
    while run_id:
        run: Handle = client.get_workflow_handle(handle.id, run_id=run_id)
        runs.append(run)
        [began, *_] = [event async for event in run.fetch_history_events()][:1]
        run_id = began.workflow_execution_started_event_attributes.continued_execution_run_id
    return runs


async def has_gone_on(client: Client, handle: Handle) -> bool:
    return len(await chain_of(client, handle)) > 1


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("signals", "most_events"), SIZES)
async def test_a_flood_of_signals_is_taken_or_counted_and_operators_are_still_heard(
    client: Client, shop: Shop, signals: int, most_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MOST_EVENTS", most_events)
    down = shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="process_payment")
    refused: Counter[str] = Counter()

    async def send(number: int) -> None:
        name = ("retry", "stock_arrived", "hold", "resume", "carrier_update", "nobody_knows_this")
        at = f"2026-01-03T{number // 60 % 24:02}:{number % 60:02}:00Z"
        message = {"status": "in_transit", "at": at} if number % 6 == 4 else BY
        try:
            await handle.signal(name[number % 6], message)
        except RPCError as error:
            refused[error.message] += 1

    await each(range(signals), send)
    assert refused == {}
    await until(lambda: has_gone_on(client, handle))
    status = await handle.query("status")
    if status["held_by"]:
        await handle.execute_update("resume", BY)
    await handle.execute_update("cancel", BY)
    shop.payments.faults.remove(down.number)
    assert (await result(handle))["outcome"] == "cancelled"
    runs = await chain_of(client, handle)
    assert await failed_tasks(*runs) == []
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    assert [e.event_type for e in events].count("FulfillmentClosed") == 1


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("updates", "most_events"),
    [
        pytest.param(300, 60, id="short"),  # on a busy machine most are refused
        pytest.param(3_000, policies.MOST_EVENTS, id="full", marks=pytest.mark.long),
    ],
)
async def test_every_update_of_a_flood_is_answered_and_what_was_accepted_is_recorded(
    client: Client, shop: Shop, updates: int, most_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "MOST_EVENTS", most_events)
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, start_signal="hold", start_signal_args=[BY])
    await until_status(handle, step="on_hold")
    answers: Counter[str] = Counter()

    async def send(number: int) -> None:
        name = "change_address" if number % 2 else "retry"
        address = {
            "name": "Jo",
            "line1": f"{number} Lane",
            "city": "York",
            "postal_code": "YO1 7HH",
            "country": "GB",
        }
        message = {**BY, "address": address} if number % 2 else BY
        try:
            await handle.execute_update(name, message)
            answers[f"{name} accepted"] += 1
        except WorkflowUpdateFailedError as refusal:
            answers[str(getattr(refusal.cause, "type", refusal.cause))] += 1
        except RPCError as error:
            answers[str(error.status)] += 1

    await each(range(updates), send)
    assert sum(answers.values()) == updates
    assert set(answers) <= {"change_address accepted", "retry accepted", *REFUSED_BY_NAME}
    await until(lambda: has_gone_on(client, handle))
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert await failed_tasks(*await chain_of(client, handle)) == []
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    acts = Counter(e.data["action"] for e in events if e.event_type == "OperatorActed")
    assert acts["change_address"] == answers["change_address accepted"]
    assert acts["retry"] == answers["retry accepted"]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "sagas", [pytest.param(6, id="short"), pytest.param(200, id="full", marks=pytest.mark.long)]
)
async def test_waiting_sagas_survive_a_deployment_that_continues_them_as_new(
    client: Client, sagas: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, handles = Shop(), list[Handle]()
    async with running_workers(client, shop):
        for _ in range(sagas):
            order_id = new_order_id()
            await shop.receive(f"{order_id}-sku", 10)
            handle = await start(client, order_id, start_signal="hold", start_signal_args=[BY])
            handles.append(handle)
        for handle in handles:
            await until_status(handle, step="on_hold")
    # The next build has a lower limit, but none that the past has reached: it would be replayed as
    # another past.
    past = [(await handle.describe()).history_length for handle in handles]
    monkeypatch.setattr(policies, "MOST_EVENTS", max(past) + 1)
    # Requests that come while nobody runs wait for it.
    await asyncio.gather(*(handle.signal("resume", BY) for handle in handles))
    async with running_workers(client, shop):
        outcomes = [(await result(handle))["outcome"] for handle in handles]
        lengths = [len(await chain_of(client, handle)) for handle in handles]
        for handle in handles:
            assert await failed_tasks(*await chain_of(client, handle)) == []
    assert outcomes == ["completed"] * sagas
    assert min(lengths) > 1
    assert shop.payments.count("confirm") == sagas


@pytest.mark.parametrize(
    "signals",
    # Temporal fails a workflow task that takes the worker longer than two seconds.
    [pytest.param(200, id="short"), pytest.param(2_000, id="full", marks=pytest.mark.long)],
)
async def test_all_signals_that_waited_for_a_worker_are_read_in_one_task(
    client: Client, signals: int
) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, start_signal="hold", start_signal_args=[BY])
    refused: Counter[str] = Counter()

    async def send(_: int) -> None:
        try:
            await handle.signal("retry", BY)
        except RPCError as error:
            refused[error.message] += 1

    await each(range(signals), send)
    async with running_workers(client, shop):
        status = await until_status(handle, step="on_hold")
        assert status["ignored_signals"] == {"retry": signals}
        await handle.execute_update("resume", BY)
        assert (await result(handle))["outcome"] == "completed"
    assert refused == {}
