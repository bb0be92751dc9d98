"""What a job knows: its orders, what became of each, who asked for what."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from activities.jobs.messages import (
    ActOnOrders,
    ActResult,
    ChosenOrder,
    JobAct,
    OrderOutcome,
    Possibility,
)
from domain.ids import JobId, OrderId
from workflows.common.search_attributes import Progress
from workflows.documents.jobs import JobDocument, PageMessage

VERSION: Final = 1
PART: Final = 25
"""So many orders are asked side by side."""
_NO_JOB: Final = JobId("")
_LONGEST_WHY: Final = 100  # bytes: thousands of them are handed over
_MOST_MOVES: Final = 5
_MOVES_ON: Final = "its saga goes on as a new run again and again: try it later"
_NOT_REACHED: Final = "the job ended before it"


class Phase(StrEnum):
    """Where a job stands.

    looking: it asks each order whether the act is possible. ready: it waits to be carried out.
    running: it acts. The others are ends: done; aborted by a person; expired: nobody carried it out
    in time.
    """

    LOOKING = "looking"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"
    EXPIRED = "expired"

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self in (Phase.DONE, Phase.ABORTED, Phase.EXPIRED)


@dataclass(slots=True)
class JobOrder:
    """An order of the job.

    Attributes:
        looked_at: whether it was asked if the act is possible; it is if there is no outcome then.
        moves: how often its saga went on as a new run before the act could be sent.
    """

    order_id: OrderId
    run_id: str | None = None
    looked_at: bool = False
    outcome: OrderOutcome | None = None
    why: str = ""
    moves: int = 0

    def look(self, answer: Possibility) -> None:
        """Note whether the act is possible."""
        self.looked_at, self.run_id = True, answer.run_id
        if not answer.is_possible:
            self.settle(OrderOutcome.REFUSED, answer.why)

    def take(self, result: ActResult) -> None:
        """Note what became of the act."""
        if result.outcome is not None:
            self.settle(result.outcome, result.why)
            return
        self.run_id, self.moves = result.run_id, self.moves + 1
        if self.moves > _MOST_MOVES:
            self.settle(OrderOutcome.FAILED, _MOVES_ON)

    def settle(self, outcome: OrderOutcome, why: str) -> None:
        """Note how it ended; nothing is asked of it any more."""
        self.outcome, self.run_id = outcome, None
        self.why = why.encode()[:_LONGEST_WHY].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a phase, when, and by which request."""

    actor: str
    at: datetime
    request_id: str | None = None


@dataclass(slots=True)
class JobState:
    """The whole of a job; a run hands it to the next.

    Attributes:
        version: of this form.
        details: what the act needs besides actor and reason.
        ready_until: when a dry run that nobody carries out ends.
    """

    version: int = VERSION
    job_id: JobId = _NO_JOB
    act: JobAct = JobAct.HOLD
    reason: str = ""
    selection: str = ""
    per_second: float = 1.0
    details: dict[str, str] = field(default_factory=dict)
    orders: list[JobOrder] = field(default_factory=list)
    phase: Phase = Phase.LOOKING
    started: Asked | None = None
    carried_out: Asked | None = None
    aborted: Asked | None = None
    ready_until: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress = field(default_factory=lambda: Progress(""))

    def begin(self, document: JobDocument, now: datetime) -> None:
        """Take the document that started the job."""
        self.job_id, self.act, self.reason = document.id, document.act, document.reason
        self.selection, self.per_second = document.selection, document.per_second
        self.details = document.details.model_dump(mode="json", exclude_none=True)
        self.orders = [JobOrder(OrderId(each)) for each in document.orders]
        self.started = Asked(document.actor, now)

    # --- parts -----------------------------------------------------------------------------------

    @property
    def not_looked_at(self) -> tuple[OrderId, ...]:
        """The next orders to look at; empty: all were."""
        left = (each.order_id for each in self.orders if not each.looked_at)
        return tuple(islice(left, PART))

    def next_request(self) -> ActOnOrders | None:
        """What to ask next; None: nothing is left, or the job was aborted."""
        left = [each for each in self.orders if each.outcome is None]
        if not left or self.aborted or self.carried_out is None:
            return None
        size = max(1, min(PART, int(self.per_second)))
        chosen = tuple(ChosenOrder(each.order_id, each.run_id) for each in left[:size])
        return ActOnOrders(self.job_id, self.act, self._message(self.carried_out.actor), chosen)

    def _message(self, actor: str) -> dict[str, str]:
        """The argument of the update; the trail of each order names the job."""
        why = "note" if self.act is JobAct.RESOLVE else "reason"
        return {"actor": actor, why: f"{self.reason} (job {self.job_id})", **self.details}

    def pause_after(self, asked: int, took: timedelta) -> timedelta:
        """How long to wait after so many orders, so that a second has no more than its share."""
        return max(timedelta(seconds=asked / self.per_second) - took, timedelta())

    def look(self, answers: Sequence[Possibility]) -> None:
        """Note what was answered about the possibility of the act."""
        orders = self._by_id()
        for answer in answers:
            orders[answer.order_id].look(answer)

    def take(self, results: Sequence[ActResult]) -> None:
        """Note what became of the acts."""
        orders = self._by_id()
        for result in results:
            orders[result.order_id].take(result)

    def _by_id(self) -> dict[OrderId, JobOrder]:
        return {each.order_id: each for each in self.orders}

    def end(self, phase: Phase, now: datetime) -> None:
        """End the job; what it has not reached says so."""
        self.phase, self.ended_at, self.ready_until = phase, now, None
        for each in self.orders:
            if each.outcome is None:
                each.looked_at = True
                each.settle(OrderOutcome.SKIPPED, _NOT_REACHED)

    # --- answers ---------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """Where the job stands, for whoever asks."""
        outcomes = Counter(each.outcome.value for each in self.orders if each.outcome)
        looked_at = sum(each.looked_at for each in self.orders)
        return {
            "job_id": self.job_id,
            "act": self.act.value,
            "reason": self.reason,
            "selection": self.selection,
            "phase": self.phase.value,
            "orders": len(self.orders),
            "looked_at": looked_at,
            "possible": sum(each.looked_at and each.outcome is None for each in self.orders),
            "outcomes": dict(outcomes),
            "per_second": self.per_second,
            "started_by": self.started.actor if self.started else "",
            "started_at": _text(self.started.at if self.started else None),
            "carried_out_by": self.carried_out.actor if self.carried_out else None,
            "carried_out_request": self.carried_out.request_id if self.carried_out else None,
            "aborted_by": self.aborted.actor if self.aborted else None,
            "ready_until": _text(self.ready_until),
            "ended_at": _text(self.ended_at),
            "waits_for": self._waits_for(),
        }

    def _waits_for(self) -> str | None:
        """What keeps it from going on; None: nothing does."""
        return "; ".join(map(str, self.progress.waiting.values())) or None

    def page(self, asked: PageMessage) -> list[dict[str, Any]]:
        """Some of the orders, with what became of each."""
        chosen = self._chosen(asked.outcome)
        return [
            {
                "order_id": each.order_id,
                "looked_at": each.looked_at,
                "outcome": each.outcome.value if each.outcome else None,
                "why": each.why,
            }
            for each in islice(chosen, asked.offset, asked.offset + asked.limit)
        ]

    def _chosen(self, outcome: OrderOutcome | None) -> Iterator[JobOrder]:
        return (each for each in self.orders if outcome in (None, each.outcome))


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
