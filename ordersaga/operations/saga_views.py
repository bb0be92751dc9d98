"""What is shown of sagas, and which of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ordersaga.findings.table import Finding


@dataclass(frozen=True, slots=True)
class SagaFilter:
    """Selects the sagas that meet all given conditions.

    Attributes:
        running: only sagas that have not ended, paused ones included.
        condition: a visibility query of Temporal, such as ``OrderTotalMinor > 10000``.
        limit: at most this many; None: all.
    """

    order_status: str | None = None
    needs_attention: bool = False
    running: bool = False
    limit: int | None = 50
    step: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class ListedSaga:
    """A saga in a list; `run_status` is Temporal's status, `order_status` the order's.

    `attention` says why it needs a person, where that is known. `run_status` is ``none`` if an
    order has no saga.
    """

    order_id: str
    run_status: str
    order_status: str | None
    step: str | None
    needs_attention: bool
    started_at: datetime | None
    closed_at: datetime | None
    attention: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended; a paused one has not."""
        return self.run_status in {"running", "paused"}


@dataclass(frozen=True, slots=True)
class RunningActivity:
    """A pending activity of a saga."""

    name: str
    state: str
    attempt: int
    last_failure: str | None
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class SagaDetails:
    """Everything about one saga; `note` says what is unknown, and why.

    `missing` lists the items that the order waits for until `answer_by`: sku, ordered, missing;
    `declined` is why its payment was declined, if it waits for another one until `answer_by`;
    `choices` lists what can be chosen about them now. `findings` are what the watchdog sees.
    `goods` lists what can be said of goods that have left although the order is undone. `actions`
    lists the acts that the saga would accept now. `waiting` lists what activities wait for:
    activity, trouble, since, failure, plan.
    """

    order_id: str
    workflow_id: str
    run_id: str
    run_status: str
    order_status: str | None
    step: str | None
    waits_for: str | None
    attention: str | None
    held_by: str | None
    turning_back_because: str | None
    compensations: Sequence[str]
    outcome: str | None
    started_at: datetime
    closed_at: datetime | None
    link: str
    activities: Sequence[RunningActivity] = field(default_factory=tuple)
    missing: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    answer_by: str | None = None
    declined: str | None = None
    choices: Sequence[str] = field(default_factory=tuple)
    goods: Sequence[str] = field(default_factory=tuple)
    actions: Sequence[str] = field(default_factory=tuple)
    amended_total_minor: int | None = None
    findings: Sequence[Finding] = field(default_factory=tuple)
    waiting: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    note: str | None = None
