"""A whole verification over an event store in memory."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from activities.payment_port import ProviderPayment
from activities.ports import CarrierLabel, GatewayUnavailable
from adapters.events.codec import JsonEventCodec
from domain.events import Event
from domain.ids import OrderId
from domain.money import Money
from domain.order import events as order_events
from domain.values import Reason
from eventstore.memory import InMemoryEventStore
from eventstore.model import Expected, Metadata, NewEvent, StreamAppend
from ordersaga.cli.verify import exit_code
from ordersaga.operations.verification.facts import Facts, OrderFacts
from ordersaga.operations.verification.report import Check, Finding, Report, Rule
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.sources import Sources
from ordersaga.operations.verification.wired import read_model_finding
from tests.support.sagas.shop import OneInstallation
from tests.unit.ordersaga.operations.verification.story import (
    BUSY,
    DONE,
    GONE,
    LABELS,
    OURS,
    PAYMENTS,
    RETURN_OPENED,
    STORY,
    Recorded,
    label,
    payment,
    taken_in,
)

CODEC = JsonEventCodec()


class Ledgers:
    def __init__(self, payments: list[ProviderPayment], labels: list[CarrierLabel]) -> None:
        self._payments = payments
        self._labels = labels

    async def payments(self) -> AsyncIterator[ProviderPayment]:
        for item in self._payments:
            yield item

    async def labels(self) -> AsyncIterator[CarrierLabel]:
        for item in self._labels:
            yield item


class Down:
    async def payments(self) -> AsyncIterator[ProviderPayment]:
        raise GatewayUnavailable("connection refused")
        yield payment(BUSY)


async def record(store: InMemoryEventStore, story: Sequence[Recorded]) -> None:
    for stream, event in story:
        encoded = CODEC.encode(event)
        new = NewEvent(
            uuid4(),
            encoded.event_type,
            encoded.data,
            Metadata("c", "c", "test"),
            encoded.schema_version,
        )
        await store.append(StreamAppend(stream, Expected.ANY, [new]))


async def all_run(workflow_ids: Collection[str]) -> set[str]:
    return set(workflow_ids)


async def no_differences() -> Sequence[Finding]:
    return []


@pytest.fixture
async def sources() -> Sources:
    store = InMemoryEventStore()
    await record(store, STORY)
    ledgers = Ledgers(PAYMENTS, LABELS)
    return Sources(
        store=store,
        codec=CODEC,
        payments=ledgers,
        carrier=ledgers,
        installation=OneInstallation(OURS),
        sagas=all_run,
        read_models=no_differences,
        missing={},
        unreachable=(GatewayUnavailable,),
    )


async def look(sources: Sources, **options: Any) -> Report:
    return await verify(sources, pause_s=0, **options)


def keys(report: Report) -> list[tuple[Rule, str]]:
    return [(finding.rule, finding.subject) for finding in report.findings]


async def test_a_true_story_is_clean_and_complete(sources: Sources) -> None:
    report = await look(sources)
    assert (report.findings, report.not_checked, exit_code(report)) == ([], [], 0)
    assert all(comparison.equal for comparison in report.comparisons)
    assert report.counts == {
        "events": len(STORY),
        "skus": 2,
        "orders_completed": 1,
        "orders_cancelled": 1,
        "orders_processing": 1,
        "orders_draft": 1,
    }


async def test_an_open_order_without_a_saga_is_an_offender(sources: Sources) -> None:
    async def none_run(_: Collection[str]) -> set[str]:
        return set()

    report = await look(replace(sources, sagas=none_run))
    assert keys(report) == [(Rule.OPEN_ORDER_HAS_SAGA, BUSY)]
    assert exit_code(report) == 1


async def test_an_open_return_without_a_workflow_is_an_offender(sources: Sources) -> None:
    assert isinstance(sources.store, InMemoryEventStore)
    await record(sources.store, [RETURN_OPENED])

    async def sagas_only(workflow_ids: Collection[str]) -> set[str]:
        return {each for each in workflow_ids if each.startswith("order-")}

    report = await look(replace(sources, sagas=sagas_only))
    assert keys(report) == [(Rule.OPEN_RETURN_HAS_WORKFLOW, DONE)]
    assert (await look(sources)).clean


async def test_a_saga_that_is_just_starting_is_no_offence(sources: Sources) -> None:
    looks = 0

    async def starting(workflow_ids: Collection[str]) -> set[str]:
        nonlocal looks
        looks += 1
        return set(workflow_ids) if looks == 2 else set()

    assert (await look(replace(sources, sagas=starting))).clean


async def test_an_order_that_ends_meanwhile_is_no_offence(sources: Sources) -> None:
    async def ending(_: Collection[str]) -> set[str]:
        await record(
            sources.store,  # type: ignore[arg-type]  # the fixture's store is in memory
            [(f"order-{BUSY}", order_events.OrderCancelled(Reason.OPERATOR_REQUEST, ""))],
        )
        return set()

    assert (await look(replace(sources, sagas=ending))).clean


async def test_an_order_that_is_submitted_meanwhile_is_not_unknown(sources: Sources) -> None:
    late = OrderId("late")

    class Racing(Ledgers):
        async def payments(self) -> AsyncIterator[ProviderPayment]:
            await record(
                sources.store,  # type: ignore[arg-type]  # the fixture's store is in memory
                taken_in(late),
            )
            yield payment(late)

    racing = Racing([], [*LABELS, label(OrderId("nobody"))])
    report = await look(replace(sources, payments=racing, carrier=racing), skip={Check.PAYMENTS})
    assert keys(report) == [(Rule.CARRIER_UNKNOWN_LABEL, "nobody")]
    report = await look(replace(sources, payments=Racing(PAYMENTS, [])))
    assert (Rule.PROVIDER_UNKNOWN_PAYMENT, late) not in keys(report)


async def test_a_read_model_that_differs_is_an_offender(sources: Sources) -> None:
    async def differing() -> Sequence[Finding]:
        return [read_model_finding("current_orders: row 7 is missing")]

    (finding,) = (await look(replace(sources, read_models=differing))).findings
    assert (finding.rule, finding.subject, finding.actual) == (
        Rule.READ_MODEL_EQUALS_FOLD,
        "current_orders",
        "row 7 is missing",
    )


async def test_a_provider_that_does_not_answer_is_named_and_is_no_success(
    sources: Sources,
) -> None:
    report = await look(replace(sources, payments=Down()))
    assert [(x.check, x.requested) for x in report.not_checked] == [(Check.PAYMENTS, True)]
    assert "connection refused" in report.not_checked[0].why
    assert (report.clean, report.complete, exit_code(report)) == (True, False, 3)


async def test_an_offender_counts_more_than_a_provider_that_is_away(sources: Sources) -> None:
    ledgers = Ledgers([], [])
    report = await look(replace(sources, payments=Down(), carrier=ledgers))
    assert exit_code(report) == 1


async def test_a_check_left_out_on_request_is_named_and_does_not_count(sources: Sources) -> None:
    report = await look(replace(sources, payments=Down()), skip={Check.PAYMENTS})
    assert [(x.check, x.requested) for x in report.not_checked] == [(Check.PAYMENTS, False)]
    assert exit_code(report) == 0


async def test_a_source_that_cannot_be_opened_is_named(sources: Sources) -> None:
    missing = {Check.SAGAS: "Temporal does not answer"}
    report = await look(replace(sources, sagas=None, missing=missing))
    assert [x.why for x in report.not_checked] == ["Temporal does not answer"]
    assert exit_code(report) == 3


async def test_events_of_unknown_types_are_named(sources: Sources) -> None:
    new = NewEvent(uuid4(), "OrderGiftWrapped", {}, Metadata("c", "c", "test"))
    await sources.store.append(StreamAppend("order-done", Expected.ANY, [new]))
    report = await look(sources)
    assert [(x.check, x.why) for x in report.not_checked] == [
        (Check.EVENTS, "no class for event type OrderGiftWrapped")
    ]
    assert exit_code(report) == 3


# --- money, for people -------------------------------------------------------------------------


def money(report: Report) -> list[tuple[str, str | None, int, int]]:
    assert report.money is not None
    return [
        (each.finding.subject, each.currency, each.ours_minor, each.theirs_minor)
        for each in report.money
    ]


async def test_books_that_agree_have_no_difference(sources: Sources) -> None:
    assert money(await look(sources)) == []


async def test_each_order_whose_money_differs_is_shown_with_what_both_books_keep(
    sources: Sources,
) -> None:
    unknown, odd = OrderId("nobody"), Money(7, "EUR")
    theirs = [payment(GONE), payment(BUSY), payment(unknown, asked=odd, amount=odd)]
    theirs[-1] = replace(theirs[-1], refunded=Money(0, "EUR"))
    report = await look(replace(sources, payments=Ledgers(theirs, LABELS)))
    assert sorted(money(report)) == [
        (DONE, "GBP", 1000, 0),
        (GONE, "GBP", 0, 1000),
        (unknown, "EUR", 0, 7),
    ]


async def test_books_that_were_not_read_say_nothing(sources: Sources) -> None:
    assert (await look(replace(sources, payments=Down()))).money is None
    assert (await look(sources, skip={Check.PAYMENTS})).money is None


# --- one odd thing hides no other ----------------------------------------------------------------


async def test_an_order_that_cannot_be_judged_is_a_finding_and_hides_no_other(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(_: OrderFacts) -> list[Money]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(OrderFacts, "kept_money", property(spoilt))  # asked of completed orders
    twice = [*PAYMENTS, payment(BUSY, reference="second")]
    report = await look(replace(sources, payments=Ledgers(twice, LABELS)))
    assert (Rule.RECORD_CAN_BE_JUDGED, DONE) in keys(report)
    assert BUSY in {subject for _, subject in keys(report)}
    assert report.not_checked == []


async def test_an_event_that_cannot_be_folded_is_named_and_hides_no_other(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = Facts.apply

    def spoilt(facts: Facts, stream: str, event: Event) -> None:
        if stream == f"shipment-{DONE}":
            raise ZeroDivisionError("a bug")
        folded(facts, stream, event)

    monkeypatch.setattr(Facts, "apply", spoilt)
    report = await look(replace(sources, payments=Ledgers([], LABELS)))
    assert (Rule.PROVIDER_COMPLETED_PAYMENT, DONE) in keys(report)
    [named] = {left.check for left in report.not_checked}
    assert named is Check.EVENTS
    assert all("ZeroDivisionError" in left.why for left in report.not_checked)
    assert "a bug" not in str(report)  # it could hold anything


class Failing:
    async def __call__(self, *_: Any) -> Any:
        raise ZeroDivisionError("a bug")

    async def payments(self) -> AsyncIterator[ProviderPayment]:
        raise ZeroDivisionError("a bug")
        yield payment(BUSY)

    async def labels(self) -> AsyncIterator[CarrierLabel]:
        raise ZeroDivisionError("a bug")
        yield label(BUSY)


@pytest.mark.parametrize(
    ("source", "check"),
    [
        ("payments", Check.PAYMENTS),
        ("carrier", Check.CARRIER),
        ("sagas", Check.SAGAS),
        ("read_models", Check.READ_MODELS),
    ],
)
async def test_a_check_that_fails_is_named_and_the_others_are_made(
    sources: Sources, source: str, check: Check
) -> None:
    changed: Any = {source: Failing()}
    report = await look(replace(sources, **changed))
    [left] = report.not_checked
    assert (left.check, report.findings) == (check, [])
    assert "ZeroDivisionError" in left.why
    assert exit_code(report) != 0
