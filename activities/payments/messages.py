"""Inputs of activities of payments; see `activities.messages`."""

from dataclasses import dataclass

from activities.messages import OperatorAction, OrderRequest


@dataclass(frozen=True, slots=True)
class ReplacePayment(OrderRequest):
    """Note another payment for an order whose payment was declined; `by` is who gave it.

    `confirmed` is the reference of a payment that the shop confirmed. None: the activity asks the
    saga for a token, so that it does not stand in Temporal once more.
    """

    by: OperatorAction
    confirmed: str | None = None
