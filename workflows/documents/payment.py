"""``payment`` of the order document: how it is paid, and what happens if that is declined."""

from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, model_validator

from domain import fields
from domain.values import (
    CANCEL_IF_DECLINED,
    CaptureMode,
    DeclinePolicy,
    DeclineTerms,
    PaymentTerms,
    readable,
)
from workflows.documents.parts import CONFIRMED, TOKEN, JsonSchema, Strict, given_as, pattern
from workflows.documents.validation import named_by_domain


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


Token = Annotated[str, *pattern(fields.parse_token, TOKEN)]
"""A secret."""


class ConfirmedModel(Strict):
    """A payment that the shop has authorised or captured at checkout."""

    reference: Annotated[
        str,
        *pattern(fields.parse_confirmed, CONFIRMED),
        Field(description="the payment provider's id of it, such as pi_..."),
    ]


ONE_MEANS: Final[JsonSchema] = {
    "oneOf": [given_as("token", "string"), given_as("confirmed", "object")]
}
"""Exactly one of the two."""


class PaymentModel(Strict):
    """How the order is paid."""

    model_config = ConfigDict(json_schema_extra=ONE_MEANS)

    token: Annotated[
        Token | None,
        Field(description="the payment provider's token for the customer's payment method"),
    ] = None
    confirmed: Annotated[
        ConfirmedModel | None,
        Field(
            description="a payment that the shop has authorised or captured at checkout; it is "
            "checked, and captured, but never confirmed"
        ),
    ] = None
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
        reference = reference_of(self.confirmed)
        return fields.parse_payment(
            PaymentTerms(self.token, self.capture, self.on_decline.to_domain(), reference), ""
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        named_by_domain(self.to_domain)  # exactly one of token and confirmed
        return self


def reference_of(confirmed: ConfirmedModel | None) -> str | None:
    """The reference of a confirmed payment; None: there is none."""
    return None if confirmed is None else confirmed.reference


def payment_to_json(payment: PaymentTerms) -> dict[str, Any]:
    """The JSON form of the terms."""
    terms = payment.on_decline
    stated = {"policy": terms.policy.value, "deadline_hours": terms.deadline_hours}
    return {
        **_means_to_json(payment),
        "capture": payment.capture.value,
        **({} if terms == CANCEL_IF_DECLINED else {"on_decline": stated}),
    }


def _means_to_json(payment: PaymentTerms) -> dict[str, Any]:
    if payment.confirmed is not None:
        return {"confirmed": {"reference": payment.confirmed}}
    if payment.token is None:
        return {}
    return {"token": readable(payment.token, "payment token")}
