"""Where a verification looks; each source can be missing or unreachable, and is then named."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from activities.ports import CarrierLedger, PaymentLedger
from eventstore.codec import EventCodec
from eventstore.store import EventStore
from ordersaga.operations.verification.report import Check, Finding

RunningSagas = Callable[[Collection[str]], Awaitable[set[str]]]
"""Of these workflow ids, those that have a running saga."""

ReadModelCheck = Callable[[], Awaitable[Sequence[Finding]]]
"""The rows of the read models that are not what the events say."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is there to be looked at; None: cannot be looked at, `missing` says why.

    `unreachable` are the errors of a source that is there but does not answer.
    """

    store: EventStore
    codec: EventCodec
    payments: PaymentLedger | None
    carrier: CarrierLedger | None
    sagas: RunningSagas | None
    read_models: ReadModelCheck | None
    missing: Mapping[Check, str]
    unreachable: tuple[type[Exception], ...] = ()
