"""Test cards, and what the bank says to them.

https://docs.stripe.com/testing: each card is a payment method `pm_card_NAME` and a token
`tok_NAME`. Cards that Stripe does not have begin with `pm_sandbox_`.
"""

from dataclasses import dataclass
from typing import Final, Literal

_OWN: Final = "pm_sandbox_"


@dataclass(frozen=True, slots=True)
class Decline:
    """A no of the bank or of Stripe: the error's code, decline code and text."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card.

    Attributes:
        brand, last4, country, funding: what is shown.
        decline: the answer to a charge; None: it is accepted.
        authenticates: when the customer has to authenticate: never, always, or only on session.
        refund: how refunds go: at once, `pending` first and `succeeded` later, seemingly
            `succeeded` and `failed` later, or `requires_action` of the customer.
        disputed: the payment is disputed at once, so that it cannot be refunded.
    """

    last4: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: Decline | None = None
    authenticates: Literal["never", "always", "on_session"] = "never"
    refund: Literal["succeeded", "pending", "failed", "requires_action"] = "succeeded"
    disputed: bool = False


def _declined(decline_code: str) -> Decline:
    return Decline("card_declined", decline_code, "Your card was declined.")


_INSUFFICIENT: Final = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds."
)
_EXPIRED: Final = Decline("expired_card", "expired_card", "Your card has expired.")
_CVC: Final = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
_PROCESSING: Final = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)

_CARDS: Final[dict[str, TestCard]] = {
    "visa": TestCard("4242"),
    "visa_debit": TestCard("5556", funding="debit"),
    "mastercard": TestCard("4444", "mastercard"),
    "mastercard_debit": TestCard("3222", "mastercard", funding="debit"),
    "amex": TestCard("0005", "amex"),
    "discover": TestCard("1117", "discover"),
    "gb": TestCard("0000", country="GB"),
    "de": TestCard("0016", country="DE"),
    "fr": TestCard("0003", country="FR"),
    "bypassPending": TestCard("0077"),
    "riskLevelElevated": TestCard("9235"),
    "chargeDeclined": TestCard("0002", decline=_declined("generic_decline")),
    "chargeDeclinedInsufficientFunds": TestCard("9995", decline=_INSUFFICIENT),
    "chargeDeclinedLostCard": TestCard("9987", decline=_declined("lost_card")),
    "chargeDeclinedStolenCard": TestCard("9979", decline=_declined("stolen_card")),
    "chargeDeclinedVelocityLimitExceeded": TestCard(
        "6975", decline=_declined("card_velocity_exceeded")
    ),
    "chargeDeclinedExpiredCard": TestCard("0069", decline=_EXPIRED),
    "chargeDeclinedIncorrectCvc": TestCard("0127", decline=_CVC),
    "chargeDeclinedProcessingError": TestCard("0119", decline=_PROCESSING),
    "chargeDeclinedFraudulent": TestCard("0019", decline=_declined("fraudulent")),
    "radarBlock": TestCard("0019", decline=_declined("fraudulent")),
    "chargeCustomerFail": TestCard("0341", decline=_declined("generic_decline")),
    "authenticationRequired": TestCard("3184", authenticates="always"),
    "authenticationRequiredOnSetup": TestCard("3155", authenticates="always"),
    "authenticationRequiredSetupForOffSession": TestCard("0446", authenticates="on_session"),
    "authenticationRequiredChargeDeclinedInsufficientFunds": TestCard(
        "3178", authenticates="always", decline=_INSUFFICIENT
    ),
    "threeDSecure2Required": TestCard("3220", authenticates="always"),
    "threeDSecureRequired": TestCard("3063", authenticates="always"),
    "threeDSecureRequiredChargeDeclined": TestCard(
        "1629", authenticates="always", decline=_declined("generic_decline")
    ),
    "threeDSecureRequiredProcessingError": TestCard(
        "1280", authenticates="always", decline=_PROCESSING
    ),
    "threeDSecureOptional": TestCard("3055"),
    "pendingRefund": TestCard("7726", refund="pending"),
    "refundFail": TestCard("5126", refund="failed"),
    "createDispute": TestCard("0259", disputed=True),
}
_WITH_BRAND: Final = tuple(name for name in _CARDS if name.startswith("chargeDeclined"))
CARDS: Final[dict[str, TestCard]] = {
    **_CARDS,
    **{f"visa_{name}": _CARDS[name] for name in _WITH_BRAND},
}
OWN_CARDS: Final[dict[str, TestCard]] = {
    "refundRequiresAction": TestCard("9001", refund="requires_action"),
}


def card_of(payment_method: str) -> TestCard | None:
    """The card of `pm_card_NAME` or `pm_sandbox_NAME`; None if there is no such card."""
    if payment_method.startswith("pm_card_"):
        return CARDS.get(payment_method.removeprefix("pm_card_"))
    return OWN_CARDS.get(payment_method.removeprefix(_OWN)) if _is_own(payment_method) else None


def of_token(token: str) -> str | None:
    """The payment method of a token `tok_NAME`; None if there is no such token."""
    name = token.removeprefix("tok_")
    return f"pm_card_{name}" if token.startswith("tok_") and name in CARDS else None


def _is_own(payment_method: str) -> bool:
    return payment_method.startswith(_OWN)
