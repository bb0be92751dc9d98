"""Values of returns: kinds of cases, the progress of a case."""

from dataclasses import dataclass
from enum import StrEnum

from domain.lines import Pieces
from domain.money import Money


class ReturnKind(StrEnum):
    """Why goods or money come back: sent by the customer, lost by the carrier, undelivered."""

    CUSTOMER = "customer"
    LOST = "lost"
    RETURNED_TO_SENDER = "returned_to_sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseProgress:
    """What has been decided and carried out for a case.

    Attributes:
        refund: the amount granted; zero if it was denied, None while undecided.
        refund_reference: the provider's reference of the refund, once it was made.
        pending: the reference of a refund that is on its way.
        failed: the reference of the last attempt that failed.
        restock: pieces to put back into stock; None while undecided.
        restocked: whether they have been booked in.
        closed: whether the case has ended.
    """

    refund: Money | None = None
    refund_reference: str | None = None
    pending: str | None = None
    failed: str | None = None
    restock: tuple[Pieces, ...] | None = None
    restocked: bool = False
    closed: bool = False

    @property
    def undecided(self) -> tuple[str, ...]:
        """The decisions that nobody has made yet: ``refund``, ``restock``."""
        if self.closed:
            return ()
        decisions = (("refund", self.refund), ("restock", self.restock))
        return tuple(name for name, decision in decisions if decision is None)

    @property
    def refund_is_due(self) -> bool:
        """Whether a refund was granted but not made yet."""
        return bool(self.refund and self.refund.minor and self.refund_reference is None)

    @property
    def restock_is_due(self) -> bool:
        """Whether pieces are to go back into stock but have not been booked in yet."""
        return bool(self.restock) and not self.restocked

    @property
    def settled(self) -> bool:
        """Whether nothing is left to decide or to carry out."""
        return not (self.undecided or self.refund_is_due or self.restock_is_due)
