"""Verifies one order by its own events: the rules of a whole verification that concern it."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import NotFound
from domain.ids import OrderId, order_stream, streams_of_order
from eventstore.codec import EventCodec
from eventstore.store import EventStore
from ordersaga.operations.order_history import stock_events_of
from ordersaga.operations.verification import rules
from ordersaga.operations.verification.facts import Facts
from ordersaga.operations.verification.report import Finding


@dataclass(frozen=True, slots=True)
class VerifiedOrder:
    """The books of one order; `clean` if it breaks no rule."""

    order_id: str
    clean: bool
    findings: Sequence[Finding]


async def verify_order(store: EventStore, codec: EventCodec, order_id: OrderId) -> VerifiedOrder:
    """Check an order by its events alone; the providers are not asked.

    Raises:
        NotFound: there is no such order.
    """
    streams = await store.read_streams(streams_of_order(order_id))
    if not streams[order_stream(order_id)]:
        raise NotFound("order", order_id)
    events = [event for stream in streams.values() for event in stream]
    events += await stock_events_of(store, codec, order_id, events)
    facts = Facts()
    for event in sorted(events, key=lambda each: each.position):
        facts.apply(event.stream, codec.decode(event))
    findings = [each for each in rules.check_events(facts) if each.subject == order_id]
    return VerifiedOrder(order_id, not findings, findings)
