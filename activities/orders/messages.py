"""Inputs of activities of orders; see `activities.messages`."""

from dataclasses import dataclass

from activities.messages import OrderRequest


@dataclass(frozen=True, slots=True)
class AskForPayment(OrderRequest):
    """Ask for another payment, although the one before still stands; `code` says why."""

    code: str
