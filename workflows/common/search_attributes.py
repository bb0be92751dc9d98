"""What the Temporal UI shows of a workflow: search attributes and "current details".

Search attributes are never encrypted, so they hold no personal data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair

from activities.failures import Trouble
from workflows.common.renewal import RunIsFull, history_is_long
from workflows.documents.answers import Wait

ORDER_STATUS: Final = SearchAttributeKey.for_keyword("OrderStatus")
SAGA_STEP: Final = SearchAttributeKey.for_keyword("SagaStep")
CUSTOMER_ID: Final = SearchAttributeKey.for_keyword("CustomerId")
NEEDS_ATTENTION: Final = SearchAttributeKey.for_bool("NeedsAttention")
ORDER_TOTAL_MINOR: Final = SearchAttributeKey.for_int("OrderTotalMinor")
ORDER_REFERENCE: Final = SearchAttributeKey.for_keyword("OrderReference")

ALL_ATTRIBUTES: Final[tuple[SearchAttributeKey[Any], ...]] = (
    ORDER_STATUS,
    SAGA_STEP,
    CUSTOMER_ID,
    NEEDS_ATTENTION,
    ORDER_TOTAL_MINOR,
    ORDER_REFERENCE,
)

STARTING: Final = "starting"
"""SagaStep of a workflow that has just been started."""

REFUND_PENDING: Final = "refund_pending"
"""OrderStatus while money or an authorisation must still be returned to the customer."""


WAITING_FOR_PROVIDER: Final = "waiting_for_provider"
WAITING_FOR_STORE: Final = "waiting_for_event_store"
"""OrderStatus of a workflow that waits for a provider, or for the event store, to work again."""

_STORE_IS_AWAY: Final = "the event store, which does not answer"


@dataclass(frozen=True, slots=True)
class _Words:
    """What people read of one kind of trouble: what it is, and what will happen."""

    why: str
    then: str


_WORDS: Final = {
    Trouble.PROVIDER: _Words(
        "The provider fails", "it goes on by itself once the provider works again"
    ),
    Trouble.FOREIGN: _Words("Something there is not this order's own", "a person must look at it"),
    Trouble.BANK: _Words(
        "The refund is on its way, and not final",
        "it is looked at again by itself until it has succeeded or failed",
    ),
    Trouble.CUSTOMER: _Words(
        "The customer must say where the money goes",
        "it goes on by itself once the customer has said so",
    ),
    Trouble.STORE: _Words(
        "It does not answer; no order is cancelled because of it",
        "it goes on by itself once the event store answers again",
    ),
    Trouble.WORKER: _Words("No worker takes it", "it goes on by itself once a worker takes it"),
    Trouble.UNEXPECTED: _Words("It fails and should not", "it is tried again and again"),
}


@dataclass(slots=True)
class Waiting:
    """What an activity waits for.

    Attributes:
        trouble: what keeps it from its end.
        since: since when.
        failure: the failure that showed it.
        plan: what will happen at what time; empty: the workflow waits, however long.
        long: it has lasted for so long that it is worth a status of its own.
    """

    trouble: Trouble
    since: datetime
    failure: str
    plan: str = ""
    long: bool = False

    @property
    def then(self) -> str:
        """What will happen, for people."""
        return "; ".join(part for part in (_WORDS[self.trouble].then, self.plan) if part)

    def __str__(self) -> str:
        since = f"since {self.since:%Y-%m-%d %H:%M} UTC"
        return f"{_WORDS[self.trouble].why}, {since} ({self.failure}); {self.then}"


class SearchAttributes:
    """The search attributes of one workflow; only those that changed are written."""

    def __init__(self) -> None:
        # A run that continues another has its attributes.
        self._written = {
            pair.key.name: pair.value for pair in workflow.info().typed_search_attributes
        }

    def begin(self, initial: Iterable[SearchAttributePair[Any]]) -> None:
        """Write the initial values, unless the client has set all of them at the start."""
        pairs = list(initial)
        self._written = {pair.key.name: pair.value for pair in pairs}
        current = workflow.info().typed_search_attributes
        if any(current.get(pair.key) != pair.value for pair in pairs):
            workflow.upsert_search_attributes([pair.key.value_set(pair.value) for pair in pairs])

    def write(self, values: Mapping[SearchAttributeKey[Any], Any]) -> None:
        """Write the values that changed since they were last written."""
        changes = [
            key.value_set(value)
            for key, value in values.items()
            if self._written.get(key.name) != value
        ]
        self._written.update({key.name: value for key, value in values.items()})
        if changes:
            workflow.upsert_search_attributes(changes)


@dataclass(slots=True)
class Progress:
    """Where a workflow stands, in words for people.

    Attributes:
        order_status: the search attribute OrderStatus.
        stage: what it is doing, a step or a state such as ``on_hold``; the search attribute
            SagaStep.
        waits_for: what it waits for; completes the sentence "Waits for ...".
        attention: what an operator must do, by the step that failed.
        waiting: what its activities wait for, by their names.
        spent: how long the runs before this one have waited, by what for; see `Patience`.
        ignored: how many signals were ignored, by their names.
        hands_over: the work is to go on in a new run, however short the history is.
        may_hand_over: what is known can be handed to a new run.
        seen_up_to: the highest position of the event store that an answer rested on.
    """

    order_status: str
    stage: str = STARTING
    waits_for: str = "the first step"
    attention: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    spent: dict[str, timedelta] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    hands_over: bool = False
    may_hand_over: bool = True
    seen_up_to: int = 0

    @property
    def run_is_full(self) -> bool:
        """Whether the work is to go on in a new run."""
        return self.may_hand_over and (self.hands_over or history_is_long())

    def stop_if_full(self) -> None:
        """Raise RunIsFull if the work is to go on in a new run."""
        if self.run_is_full:
            raise RunIsFull

    def ignore(self, signal: str) -> int:
        """Count a signal that is ignored; returns how many of its name were."""
        self.ignored[signal] = self.ignored.get(signal, 0) + 1
        return self.ignored[signal]

    @property
    def attention_text(self) -> str | None:
        """Everything that an operator must do; None: nothing."""
        return "; ".join(self.attention.values()) or None

    @property
    def waits_now(self) -> str:
        """What it waits for at present; completes the sentence "Waits for ..."."""
        if any(one.trouble is Trouble.STORE for one in self.waiting.values()):
            return _STORE_IS_AWAY
        if self.waiting and self.attention:
            return f"{self.waits_for}, or for an operator"
        return self.waits_for

    @property
    def status(self) -> str:
        """The search attribute OrderStatus: what it waits for, if that takes long."""
        long = {one.trouble for one in self.waiting.values() if one.long}
        if any(one.trouble is Trouble.STORE for one in self.waiting.values()):
            return WAITING_FOR_STORE
        return WAITING_FOR_PROVIDER if Trouble.PROVIDER in long else self.order_status

    def waiting_json(self) -> list[Wait]:
        """What its activities wait for, for the status query."""
        return [
            {
                "activity": name,
                "trouble": one.trouble.value,
                "since": one.since.isoformat(),
                "failure": one.failure,
                "plan": one.then,
            }
            for name, one in self.waiting.items()
        ]

    @property
    def where(self) -> str:
        """Where the workflow stands, for the text of refusals."""
        return f"it is at {self.stage}"

    @property
    def sentence(self) -> str:
        """What the workflow waits for, and what an operator must do."""
        needs = f"**Needs attention**: {self.attention_text}. " if self.attention else ""
        troubles = "".join(f" {one}." for one in self.waiting.values())
        ignored = "".join(f" Ignored signals: {n} {name}." for name, n in self.ignored.items())
        return f"{needs}Waits for {self.waits_now}.{troubles}{ignored}"


class Visibility:
    """Shows every change of a workflow's progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._attributes = SearchAttributes()

    def enter(self, stage: str, waits_for: str) -> None:
        """Show a new stage and what it waits for."""
        self._progress.stage, self._progress.waits_for = stage, waits_for
        self.show()

    def show(self) -> None:
        """Bring the details and the search attributes up to date."""
        progress = self._progress
        workflow.set_current_details(progress.sentence)
        self._attributes.write(
            {
                ORDER_STATUS: progress.status,
                SAGA_STEP: progress.stage,
                NEEDS_ATTENTION: bool(progress.attention),
            }
        )
