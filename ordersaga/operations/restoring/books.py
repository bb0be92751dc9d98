"""Asks the books of the providers for what the database has forgotten."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from activities.aggregates import PAYMENT, SHIPMENT
from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import CarrierLabel, LabelStatus
from domain.ids import OrderId
from eventstore.model import StoredEvent
from ordersaga.operations.restoring.outcome import Forgotten
from ordersaga.operations.verification.facts import Facts, Stage
from ordersaga.operations.verification.ledgers import kept
from ordersaga.operations.verification.ownership import Owner
from ordersaga.operations.verification.report import Check
from ordersaga.operations.verification.rules import money_text
from ordersaga.operations.verification.run import read_facts
from ordersaga.operations.verification.sources import Sources

_GOES_ON: Final = "the order's saga finds it by its key, and goes on with it or gives it back"
_IS_OVER: Final = "nothing: it holds nothing any more"
_ENDED: Final = "the order has ended without it: `ordersaga verify` says whether it is one too many"
_NOBODY: Final = (
    "neither the database nor Temporal knows the order: place it again under its id, so that its "
    "saga finds it, or give it back at the provider"
)


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of ours at a provider; `holds`: money, or a live label."""

    what: str
    reference: str
    order_id: OrderId
    amount: str | None
    status: str
    holds: bool


async def forgotten(
    sources: Sources, started: Collection[OrderId]
) -> tuple[list[Forgotten], list[str]]:
    """Payments and labels of ours that no event names; and which books could not be read, and why.

    Args:
        sources: of a verification.
        started: orders that the database may not know, and whose sagas are started again.
    """
    facts, _ = await read_facts(sources)
    records: list[_Record] = []
    unasked: list[str] = []
    for check, read in ((Check.PAYMENTS, _payments), (Check.CARRIER, _labels)):
        try:
            records += [record async for record in read(sources, facts)]
        except sources.unreachable as error:
            unasked.append(f"{check}: could not be asked ({type(error).__name__}: {error})")
    unnamed = await _unnamed(sources, records)
    return [_told(record, facts, started) for record in unnamed], unasked


async def _payments(sources: Sources, facts: Facts) -> AsyncIterator[_Record]:
    owner = Owner(await sources.installation.current(), facts)
    ledger = await owner.sort(sources.payments.payments())
    for order_id, payments in ledger.own.items():
        for payment in payments:
            yield _of_payment(order_id, payment)


def _of_payment(order_id: OrderId, payment: ProviderPayment) -> _Record:
    holds = bool(kept(payment)) or payment.status is PaymentStatus.UNCONFIRMED
    amount = money_text(payment.amount)
    return _Record("payment", payment.reference, order_id, amount, str(payment.status), holds)


async def _labels(sources: Sources, facts: Facts) -> AsyncIterator[_Record]:
    owner = Owner(await sources.installation.current(), facts)
    ledger = await owner.sort(sources.carrier.labels())
    for order_id, labels in ledger.own.items():
        for label in labels:
            yield _of_label(order_id, label)


def _of_label(order_id: OrderId, label: CarrierLabel) -> _Record:
    is_live = label.status is LabelStatus.LIVE
    return _Record("label", label.label_id, order_id, None, str(label.status), is_live)


async def _unnamed(sources: Sources, records: Sequence[_Record]) -> list[_Record]:
    """Those that no event of their orders names."""
    streams = {record: _stream(record) for record in records}
    events = await sources.store.read_streams(list(dict.fromkeys(streams.values())))
    named = {name: _values(several) for name, several in events.items()}
    return [each for each, stream in streams.items() if each.reference not in named[stream]]


def _stream(record: _Record) -> str:
    aggregate = PAYMENT if record.what == "payment" else SHIPMENT
    return aggregate.stream(record.order_id).name


def _values(events: Sequence[StoredEvent]) -> set[str]:
    """Every text that stands in these events."""
    return {value for event in events for value in event.data.values() if isinstance(value, str)}


def _told(record: _Record, facts: Facts, started: Collection[OrderId]) -> Forgotten:
    order_id = record.order_id
    stage = facts.orders[order_id].stage if order_id in facts.orders else Stage.NEVER
    if order_id in started or stage.is_open:
        then, needs_person = _GOES_ON, False
    elif not record.holds:
        then, needs_person = _IS_OVER, False
    elif stage in (Stage.NEVER, Stage.DRAFT):
        then, needs_person = _NOBODY, True
    else:
        then, needs_person = _ENDED, True
    return Forgotten(
        record.what, record.reference, order_id, record.amount, record.status, then, needs_person
    )
