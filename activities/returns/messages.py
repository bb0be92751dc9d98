"""Inputs and results of the activities for returns and parcels; see `activities.messages`."""

from dataclasses import dataclass

from activities.messages import OperatorAction, OrderRequest, SagaRef, Scan
from domain.ids import OrderId, ReturnId
from domain.lines import Pieces
from domain.money import Money
from domain.returns.values import CaseProgress, ReturnKind

DELIVERY_WORKFLOW_TYPE = "OrderDelivery"
RETURN_WORKFLOW_TYPE = "OrderReturn"


@dataclass(frozen=True, slots=True)
class RefundDecision:
    """A decision about the refund.

    Attributes:
        grant: whether money is refunded at all.
        amount_minor: in minor units of the order's currency; None: what was paid for it.
    """

    grant: bool
    amount_minor: int | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RestockDecision:
    """A decision about the goods; `pieces` None: everything that came back."""

    pieces: tuple[Pieces, ...] | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnDocument:
    """A return as a client submits it, validated; `pieces` None: everything that is left."""

    order_id: OrderId
    return_id: ReturnId
    kind: ReturnKind
    pieces: tuple[Pieces, ...] | None
    refund: RefundDecision | None
    restock: RestockDecision | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpenReturnCase:
    """Open the case with the decisions in the document, once."""

    saga: SagaRef
    document: ReturnDocument


@dataclass(frozen=True, slots=True)
class DecideCase(OrderRequest):
    """Record one or both decisions."""

    return_id: ReturnId
    refund: RefundDecision | None = None
    restock: RestockDecision | None = None


@dataclass(frozen=True, slots=True)
class CaseRequest(OrderRequest):
    """Carry out a decision, or close the case.

    `settled_by` names an operator who states that the refund was made by hand: the provider is
    asked once more, and if it cannot confirm, the statement is recorded as the proof.
    """

    return_id: ReturnId
    settled_by: OperatorAction | None = None


@dataclass(frozen=True, slots=True)
class CaseView(CaseProgress):
    """A case as the event store knows it.

    Attributes:
        pieces: what it covers; empty if nothing was left to open it for.
        gift_card: what a gift card had paid for them, which the shop gives back itself.
    """

    pieces: tuple[Pieces, ...] = ()
    gift_card: Money | None = None

    def merged(self, other: "CaseView") -> "CaseView":
        """The union of two views of one case, whichever is newer."""
        return CaseView(
            pieces=self.pieces,
            gift_card=self.gift_card,
            refund=self.refund if other.refund is None else other.refund,
            refund_reference=other.refund_reference or self.refund_reference,
            pending=other.pending,
            failed=other.failed,
            restock=self.restock if other.restock is None else other.restock,
            restocked=self.restocked or other.restocked,
            closed=self.closed or other.closed,
        )


@dataclass(frozen=True, slots=True)
class CaseAttention(OrderRequest):
    """Record and announce that a person must act on a case."""

    return_id: ReturnId
    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class CaseOperators(OrderRequest):
    """Record what operators did to a case."""

    return_id: ReturnId
    actions: tuple[OperatorAction, ...]


# --- parcels -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordScan(OrderRequest):
    """Record a scan; None: only look up the parcel."""

    scan: Scan | None


@dataclass(frozen=True, slots=True)
class ParcelView:
    """A parcel as recorded.

    Attributes:
        status: the shipment's status.
        arrived: whether the status is final.
        contradicted_by: a status that the carrier reported and that cannot follow, until a person
            reacts.
        case_to_open: the kind of return that the status calls for, if it is not open yet.
        order_is_open: the order has not ended: until then the return cannot be opened.
        order_is_cancelled: its money went back already.
    """

    status: str
    arrived: bool
    contradicted_by: str | None = None
    case_to_open: ReturnKind | None = None
    order_is_open: bool = False
    order_is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class ParcelAttention(OrderRequest):
    """Record and announce that a person must look at a parcel."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class ParcelOperators(OrderRequest):
    """Record what operators did about a parcel."""

    actions: tuple[OperatorAction, ...]
