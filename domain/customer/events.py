"""Events of a customer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """The personal data of `subject` was erased by destroying the data keys with the ids `keys`.

    The subject is ``customer-<customer id>``, or ``order-<order id>`` for the order of a guest.
    """

    subject: str
    keys: tuple[str, ...]
    reason: str


CustomerEvent = CustomerErased
