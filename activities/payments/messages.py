"""Inputs of activities of payments; see `activities.messages`."""

from dataclasses import dataclass

from activities.messages import OperatorAction, OrderRequest


@dataclass(frozen=True, slots=True)
class ReplacePayment(OrderRequest):
    """Note another payment method for an order whose payment was declined; `by` is who gave it.

    The activity asks the saga for the token, so that it does not stand in Temporal once more.
    """

    by: OperatorAction
