"""Values that several subjects share: addresses, payment terms, steps and reasons."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from domain.errors import RuleBroken
from domain.ids import Sku

T = TypeVar("T")


class Redaction(StrEnum):
    """Why a personal value cannot be read: erased for ever, or withheld from this reader."""

    ERASED = "erased"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Redacted:
    """Replaces a personal value that cannot be read, and says why."""

    redacted: Redaction


def readable(value: T | Redacted, what: str) -> T:
    """The value itself, where it is indispensable.

    Raises:
        RuleBroken: it is redacted; `what` names it in the message.
    """
    if isinstance(value, Redacted):
        raise RuleBroken(f"personal_data_{value.redacted}", f"the {what} is {value.redacted}")
    return value


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where a parcel goes. Personal data: never in logs, errors, metrics or search attributes.

    `country` is an ISO 3166 alpha-2 code; `line2` and `region` may be empty. `repr` shows only the
    country, so an address is safe in a traceback.
    """

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""

    def __repr__(self) -> str:
        return f"Address(country={self.country!r}, <personal data>)"


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """How the customer is reached. Personal data; `repr` shows nothing of it."""

    email: str

    def __repr__(self) -> str:
        return "Contact(<personal data>)"


@dataclass(frozen=True, slots=True)
class MissingItem:
    """Of `ordered` pieces of a SKU, `missing` are not in stock."""

    sku: Sku
    ordered: int
    missing: int

    def __str__(self) -> str:
        return f"{self.sku}: {self.ordered} ordered, {self.ordered - self.missing} available"


class CaptureMode(StrEnum):
    """When money is captured: at once, or after an authorisation, when the label is bought."""

    AUTOMATIC = "automatic"
    ON_SHIPMENT = "on_shipment"


class DeclinePolicy(StrEnum):
    """What happens if the payment is declined: the order is cancelled, or another one is asked for.

    A payment that somebody ended at the provider counts as declined.
    """

    CANCEL = "cancel"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class DeclineTerms:
    """What the order wants done; the hours count from the first decline."""

    policy: DeclinePolicy = DeclinePolicy.CANCEL
    deadline_hours: int = 72


CANCEL_IF_DECLINED: Final = DeclineTerms()
"""The terms of an order that does not state any."""


@dataclass(frozen=True, slots=True)
class PaymentDue:
    """The payment was declined, `code` says why; another one is waited for until `deadline`."""

    code: str
    deadline: datetime


@dataclass(frozen=True, slots=True, repr=False)
class PaymentTerms:
    """How an order is paid: by a token, or by a payment that was confirmed at checkout.

    `token` is the provider's for the customer's payment method: a secret, which `repr` omits.
    `confirmed` is the provider's reference of a payment that the shop has authorised or captured.
    """

    token: str | Redacted | None = None
    capture: CaptureMode = CaptureMode.AUTOMATIC
    on_decline: DeclineTerms = CANCEL_IF_DECLINED
    confirmed: str | None = None

    @property
    def asks(self) -> bool:
        """Whether another payment is asked for if this one is declined."""
        return self.on_decline.policy is DeclinePolicy.ASK

    def __repr__(self) -> str:
        means = "<token>" if self.confirmed is None else f"confirmed={self.confirmed!r}"
        return f"PaymentTerms({means}, capture={str(self.capture)!r})"


class Step(StrEnum):
    """The steps of the saga, in order."""

    RESERVE_INVENTORY = "reserve_inventory"
    PROCESS_PAYMENT = "process_payment"
    CREATE_SHIPMENT = "create_shipment"
    CAPTURE_PAYMENT = "capture_payment"


class Compensation(StrEnum):
    """What undoes each step."""

    RELEASE_INVENTORY = "release_inventory"
    UNDO_PAYMENT = "undo_payment"
    CANCEL_SHIPMENT = "cancel_shipment"


class Outcome(StrEnum):
    """How a saga ends."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why an order was cancelled: the causes of the business, and there are no others.

    provider_outage: a provider failed for longer than the order or the shop wants to wait.
    """

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    ADDRESS_REFUSED = "address_refused"
    NOT_FULFILLABLE = "not_fulfillable"
    PROVIDER_OUTAGE = "provider_outage"
    RESERVATION_EXPIRED = "reservation_expired"
    CUSTOMER_REQUEST = "customer_request"
    OPERATOR_REQUEST = "operator_request"


class FailureKind(StrEnum):
    """What kind of failure ended a step."""

    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UNKNOWN_OUTCOME = "unknown_outcome"
