"""Decides whether what a provider holds is this order's own.

Two shops may share an account and use the same order numbers; databases are copied, restored and
rebuilt. So a key that fits proves nothing. What is not the order's own is left alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from activities.ports import Identity, NotOurs
from domain.ids import OrderId
from domain.money import Money
from domain.notes import cut

_MAX_REFERENCE = 100


class Aspect(StrEnum):
    """What is compared, exactly: a letter in another case is another text."""

    INSTALLATION = "installation"
    ORDER = "order"
    KEY = "key"
    CURRENCY = "currency"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a record must say to be an order's own.

    Attributes:
        amounts: what the order has cost: at first, and after each amendment; None for a label,
            which has no amount.
    """

    installation: str
    order_id: OrderId
    idempotency_key: str
    amounts: Collection[Money] | None = None


def differences(identity: Identity, claim: Claim) -> tuple[Aspect, ...]:
    """What a record says otherwise than it must; nothing if it is the order's own."""
    amounts = (None,) if claim.amounts is None else claim.amounts
    says = {
        Aspect.INSTALLATION: identity.installation == claim.installation,
        Aspect.ORDER: identity.order_id == claim.order_id,
        Aspect.KEY: identity.idempotency_key == claim.idempotency_key,
        Aspect.CURRENCY: _currency(identity.asked) in {_currency(x) for x in amounts},
        Aspect.AMOUNT: _minor(identity.asked) in {_minor(x) for x in amounts},
    }
    return tuple(aspect for aspect, agrees in says.items() if not agrees)


def require_own(what: str, reference: str, identity: Identity, claim: Claim) -> None:
    """Refuse a record of somebody else.

    Args:
        what: payment or label.
        reference: the provider's id of the record.
        identity: what it says.
        claim: what it must say.

    Raises:
        NotOurs: it is not the order's own.
    """
    if others := differences(identity, claim):
        raise NotOurs(f"{what} {cut(reference, _MAX_REFERENCE)} {in_words(others)}")


def in_words(others: tuple[Aspect, ...]) -> str:
    """Why a record is not an order's own: completes "payment P ..."."""
    return f"at the provider is not this order's own, and is left alone: another {listed(others)}"


def _currency(amount: Money | None) -> str | None:
    return amount.currency if amount else None


def _minor(amount: Money | None) -> int | None:
    return amount.minor if amount else None


def listed(others: tuple[Aspect, ...]) -> str:
    """The aspects as a list in a sentence."""
    *first, last = others
    return f"{', '.join(first)} and {last}" if first else last.value
