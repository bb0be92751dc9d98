"""What is found and done after the database went back to an earlier moment."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ordersaga.installation.history import History


class RestartOutcome(StrEnum):
    """What becomes of a workflow that knows more than the database.

    again: started again from what the database knows, and there the order, or the return, is.
    anew: started with what its first run was started with, because the database has nothing of it.
    ended: it is not started, because the database knows how it ended. left: a person must act.
    """

    AGAIN = "started_again"
    ANEW = "started_anew"
    ENDED = "ended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Ahead:
    """A workflow that knows more than the database.

    Attributes:
        seen_up_to: the highest position that it has learnt of.
        was: how it stood in Temporal.
        fate: what became of it, or would.
        why: in words.
        lost_acts: what people asked of it that the database does not know.
    """

    workflow_id: str
    run_id: str
    seen_up_to: int
    was: str
    fate: RestartOutcome
    why: str
    lost_acts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A payment or a label of ours at a provider of which the database knows nothing.

    Attributes:
        what: payment or label.
        amount: of a payment.
        status: as the provider names it.
        then: what becomes of it.
        needs_person: whether nothing becomes of it by itself.
    """

    what: str
    reference: str
    order_id: str
    amount: str | None
    status: str
    then: str
    needs_person: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """Everything that was found and done.

    Attributes:
        history: the one that the database goes on with.
        examined: how many runs were read.
        ahead: the workflows that know more.
        forgotten: what the providers know more; None: they were not asked, and `unasked` says why.
        recovered: open orders, parcels and returns without a running workflow that were started.
    """

    history: History
    examined: int
    ahead: Sequence[Ahead]
    forgotten: Sequence[Forgotten]
    unasked: Sequence[str]
    recovered: int
    left: Sequence[str]

    @property
    def needs_person(self) -> bool:
        """Whether anything does not go on by itself."""
        acts = any(one.lost_acts or one.fate is RestartOutcome.LEFT for one in self.ahead)
        money = any(one.needs_person for one in self.forgotten)
        return acts or money or bool(self.unasked) or bool(self.left)

    def kept(self) -> Mapping[str, Any]:
        """What the database keeps of it."""
        return {
            "examined": self.examined,
            "ahead": [asdict(one) for one in self.ahead],
            "forgotten": [asdict(one) for one in self.forgotten],
            "unasked": list(self.unasked),
            "recovered": self.recovered,
            "left": list(self.left),
        }
