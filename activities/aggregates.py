"""The kinds of aggregate: the name of their streams, their folds and their decisions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from domain import ids
from domain.order import decisions as order
from domain.order import evolution as order_evolution
from domain.order import state as order_state
from domain.payment import claim
from domain.payment import decisions as payment
from domain.payment import state as payment_state
from domain.request import request
from domain.returns import decisions as returns
from domain.returns import state as returns_state
from domain.saga import trail
from domain.shipment import shipment
from domain.stock import item as stock_item
from domain.stock import snapshot as stock_snapshot
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandHandler
from eventstore.commands.snapshots import SnapshotPolicy

I = TypeVar("I")  # noqa: E741  an identifier
S = TypeVar("S")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class AggregateStream(Generic[S, C]):
    """The stream of one aggregate: its name, how it is folded, how it decides a command."""

    name: str
    fold: Fold[S]
    decide: Callable[[C, S], tuple[Any, ...]]

    async def load(self, handler: CommandHandler) -> S:
        """The present state of the aggregate."""
        return (await handler.load(self.name, self.fold)).state


@dataclass(frozen=True, slots=True)
class Aggregate(Generic[I, S, C]):
    """A kind of aggregate; `stream_name` turns an id into the name of its stream."""

    stream_name: Callable[[I], str]
    fold: Fold[S]
    decide: Callable[[C, S], tuple[Any, ...]]

    def stream(self, identifier: I) -> AggregateStream[S, C]:
        """The stream of the aggregate with this id."""
        return AggregateStream(self.stream_name(identifier), self.fold, self.decide)

    def streams(self, identifiers: Iterable[I]) -> tuple[AggregateStream[S, C], ...]:
        """The streams of several aggregates."""
        return tuple(map(self.stream, identifiers))


def streams_of(
    identifier: I, *kinds: Aggregate[I, Any, Any]
) -> tuple[AggregateStream[Any, Any], ...]:
    """The streams of the aggregates of several kinds that have the same id."""
    return tuple(kind.stream(identifier) for kind in kinds)


ORDER: Final = Aggregate(
    ids.order_stream, Fold(order_state.INITIAL, order_evolution.evolve), order.decide
)
# Only stock streams grow without limit. Folding 100 events takes about as long as a round trip.
STOCK_SNAPSHOTS: Final = SnapshotPolicy(
    every=100,
    schema_version=stock_snapshot.SCHEMA_VERSION,
    to_data=stock_snapshot.to_data,
    from_data=stock_snapshot.from_data,
)
STOCK: Final = Aggregate(
    ids.stock_stream,
    Fold(stock_item.INITIAL, stock_item.evolve, STOCK_SNAPSHOTS),
    stock_item.decide,
)
PAYMENT: Final = Aggregate(
    ids.payment_stream, Fold(payment_state.INITIAL, payment_state.evolve), payment.decide
)
CLAIM: Final = Aggregate(ids.claim_stream, Fold(claim.INITIAL, claim.evolve), claim.decide)
SHIPMENT: Final = Aggregate(
    ids.shipment_stream, Fold(shipment.INITIAL, shipment.evolve), shipment.decide
)
FULFILLMENT: Final = Aggregate(
    ids.fulfillment_stream, Fold(trail.INITIAL, trail.evolve), trail.decide
)
RETURNS: Final = Aggregate(
    ids.returns_stream, Fold(returns_state.INITIAL, returns_state.evolve), returns.decide
)
REQUEST: Final = Aggregate(
    ids.request_stream, Fold(request.INITIAL, request.evolve), request.decide
)
