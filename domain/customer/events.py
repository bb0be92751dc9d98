"""Facts about a customer."""

from dataclasses import dataclass

# --- customer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """The personal data of `subject` was erased: the data keys with the ids `keys` are destroyed.

    The subject is ``customer-<customer id>``, or ``order-<order id>`` for the order of a guest.
    """

    subject: str
    keys: tuple[str, ...]
    reason: str


CustomerEvent = CustomerErased
