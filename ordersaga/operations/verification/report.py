"""The report of a verification: offenders, checks that were not made, and compared sums."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from domain.ids import OrderId


class Rule(StrEnum):
    """The invariants; each finding violates exactly one."""

    STOCK_BELOW_ZERO = "stock_below_zero"
    RESERVATION_WITHOUT_OPEN_ORDER = "reservation_without_open_order"
    RESERVATION_DIFFERS_FROM_ORDER = "reservation_differs_from_order"
    WAITING_WITHOUT_BACKORDER = "waiting_without_open_order"
    TOTAL_IS_THE_SUM = "order_total_is_the_sum_of_its_lines"
    COMPLETED_CAPTURED_ONCE = "completed_order_captured_once"
    COMPLETED_LABELLED_ONCE = "completed_order_has_one_live_label"
    COMPLETED_PIECES_SHIPPED = "completed_order_shipped_its_pieces"
    RETURNS_WITHIN_SHIPMENT = "returned_pieces_were_shipped"
    RESTOCKED_WITHIN_RETURNS = "restocked_pieces_came_back"
    REFUNDS_WITHIN_CAPTURE = "refunds_of_returns_within_capture"
    CANCELLED_HOLDS_STOCK = "cancelled_order_holds_no_stock"
    CANCELLED_HOLDS_MONEY = "cancelled_order_holds_no_money"
    CANCELLED_HOLDS_LABEL = "cancelled_order_holds_no_label"
    CANCELLED_FOR_A_CAUSE = "cancelled_only_for_a_cause_of_the_business"
    PROVIDER_COMPLETED_PAYMENT = "provider_holds_completed_payment_once"
    PROVIDER_CANCELLED_PAYMENT = "provider_holds_no_cancelled_payment"
    PROVIDER_OPEN_PAYMENT = "provider_charged_open_order_at_most_once"
    PROVIDER_UNKNOWN_PAYMENT = "provider_knows_only_our_orders"
    PROVIDER_OWN_PAYMENT = "provider_payment_is_its_orders_own"
    CARRIER_COMPLETED_LABEL = "carrier_holds_completed_label_once"
    CARRIER_CANCELLED_LABEL = "carrier_holds_no_cancelled_label"
    CARRIER_OPEN_LABEL = "carrier_labelled_open_order_at_most_once"
    CARRIER_UNKNOWN_LABEL = "carrier_knows_only_our_orders"
    CARRIER_OWN_LABEL = "carrier_label_is_its_orders_own"
    OPEN_ORDER_HAS_SAGA = "open_order_has_running_saga"
    OPEN_RETURN_HAS_WORKFLOW = "open_return_has_running_workflow"
    READ_MODEL_EQUALS_FOLD = "read_model_equals_fold"
    RECORD_CAN_BE_JUDGED = "record_can_be_judged"


class Check(StrEnum):
    """The checks of a verification, one per source."""

    EVENTS = "events"
    PAYMENTS = "payments"
    CARRIER = "carrier"
    SAGAS = "sagas"
    READ_MODELS = "read-models"


@dataclass(frozen=True, slots=True)
class Finding:
    """One offender: `subject` is an order id, a SKU or a read model's row."""

    rule: Rule
    subject: str
    expected: str
    actual: str


def judged(subject: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings about one subject; one that cannot be judged is a finding, and hides no other.

    Args:
        subject: an order id or a SKU.
        findings: made while they are read.
    """
    try:
        yield from findings
    except Exception as error:  # noqa: BLE001  whatever the books hold, the rest is checked
        actual = f"fails with {type(error).__name__}"
        yield Finding(Rule.RECORD_CAN_BE_JUDGED, subject, "a record that can be judged", actual)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A payment or label of somebody else that carries an order number or a key of ours.

    It is left alone and counts nowhere. `differs` is what is not as our order's own would have it.
    """

    what: str
    reference: str
    order_id: OrderId
    differs: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A check that was not made; `requested` is False if the caller skipped it."""

    check: Check
    why: str
    requested: bool = True


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sum from our events, and the same sum from another ledger."""

    what: str
    ours: str
    theirs: str

    @property
    def equal(self) -> bool:
        """Whether the two sums agree."""
        return self.ours == self.theirs


@dataclass(frozen=True, slots=True)
class MoneyFound:
    """What both books say of an order whose money is an offence, in one currency.

    Attributes:
        currency: None: neither knows of money.
        ours_minor: what is kept by our events, in minor units; `theirs_minor`: by the provider's
            ledger.
    """

    finding: Finding
    currency: str | None
    ours_minor: int
    theirs_minor: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification; `money` is None if the provider's ledger was not read."""

    findings: Sequence[Finding]
    not_checked: Sequence[NotChecked] = ()
    comparisons: Sequence[Comparison] = ()
    counts: dict[str, int] = field(default_factory=dict)
    foreign: Sequence[Foreign] = ()
    money: Sequence[MoneyFound] | None = None

    @property
    def clean(self) -> bool:
        """Whether there is no offender."""
        return not self.findings

    @property
    def complete(self) -> bool:
        """Whether every check was made, except those that the caller skipped."""
        return not any(missing.requested for missing in self.not_checked)
