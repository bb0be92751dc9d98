"""The sources of a verification; each may be missing or unreachable."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from activities.payment_port import PaymentLedger
from activities.ports import CarrierLedger, Installation
from eventstore.codec import EventCodec
from eventstore.store import EventStore
from ordersaga.operations.verification.report import Check, Finding

RunningWorkflows = Callable[[Collection[str]], Awaitable[set[str]]]
"""Those of the given workflow ids that are running."""

ReadModelCheck = Callable[[], Awaitable[Sequence[Finding]]]
"""The rows of the read models that differ from the fold of the events."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources; None: not available, and `missing` says why.

    `unreachable` lists the errors that an available source raises if it does not answer.
    """

    store: EventStore
    codec: EventCodec
    payments: PaymentLedger
    carrier: CarrierLedger
    installation: Installation
    sagas: RunningWorkflows | None
    read_models: ReadModelCheck | None
    missing: Mapping[Check, str]
    unreachable: tuple[type[Exception], ...] = ()
