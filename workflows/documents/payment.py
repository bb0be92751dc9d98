"""``payment`` of the order document: how it is paid, and what happens if that is declined."""

from typing import Annotated, Any

from pydantic import Field

from domain import fields
from domain.values import (
    CANCEL_IF_DECLINED,
    CaptureMode,
    DeclinePolicy,
    DeclineTerms,
    PaymentTerms,
    readable,
)
from workflows.documents.parts import TOKEN, Strict, pattern


class OnDeclineModel(Strict):
    """What to do if the payment is declined."""

    policy: Annotated[
        DeclinePolicy,
        Field(
            description="cancel: cancel the order at once; ask: keep its stock, and wait for "
            "another payment, which comes by the update pay"
        ),
    ] = DeclinePolicy.CANCEL
    deadline_hours: Annotated[
        int,
        Field(
            ge=1,
            le=fields.MAX_PAY_WITHIN_HOURS,
            description="how long payments can come after the first decline; then the order is "
            "cancelled",
        ),
    ] = CANCEL_IF_DECLINED.deadline_hours

    def to_domain(self) -> DeclineTerms:
        """The terms as a domain value."""
        return DeclineTerms(self.policy, self.deadline_hours)


class PaymentModel(Strict):
    """How the order is paid."""

    token: Annotated[
        str,
        *pattern(fields.parse_token, TOKEN),
        Field(description="the payment provider's token for the customer's payment method"),
    ]
    capture: CaptureMode = Field(
        default=CaptureMode.AUTOMATIC,
        description="automatic: capture the money at once; on_shipment: authorise it, and capture "
        "it when the label is bought",
    )
    on_decline: Annotated[
        OnDeclineModel, Field(description="omitted: the order is cancelled at once")
    ] = OnDeclineModel()

    def to_domain(self) -> PaymentTerms:
        """The terms as a domain value."""
        return PaymentTerms(self.token, self.capture, self.on_decline.to_domain())


def payment_to_json(payment: PaymentTerms) -> dict[str, Any]:
    """The JSON form of the terms."""
    terms = payment.on_decline
    stated = {"policy": terms.policy.value, "deadline_hours": terms.deadline_hours}
    return {
        "token": readable(payment.token, "payment token"),
        "capture": payment.capture.value,
        **({} if terms == CANCEL_IF_DECLINED else {"on_decline": stated}),
    }
