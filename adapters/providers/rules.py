"""Rules of the fake and sandbox providers: what all share, and which addresses are served.

Pure functions, independent of where the records are stored; see also `payment_rules`.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from activities.ports import CarrierLabel, LabelRequest, LabelStatus
from domain.ids import OrderId

POSTAL_CODE_MARKER: Final = "NOSHIP"
"""Postal codes that start with this (in any case) are refused."""

UNSERVED_COUNTRIES: Final = frozenset({"AQ", "KP"})
"""ISO 3166 alpha-2 codes of the countries that are refused by default."""

CARRIER_NAME: Final = "Sandbox Express"

FORBIDDEN_CONTENT: Final = "forbidden"
"""Replaces the fingerprint of the request for a key that was made unusable."""


class KeptRecord(Protocol):
    """What a provider keeps of a payment or a label."""

    @property
    def reference(self) -> str:
        """The provider's own id."""
        ...

    @property
    def order_id(self) -> OrderId:
        """The order that it is for."""
        ...

    @property
    def idempotency_key(self) -> str:
        """The key that it was made with."""
        ...


Record = TypeVar("Record", bound=KeptRecord)


class RequestRefused(Exception):
    """A provider refuses a request; `code` is stable, the text is safe to show."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def same_key_other_content() -> RequestRefused:
    """The refusal of a key that was used for another request."""
    return RequestRefused("idempotency_conflict", "this key was used with other content")


def digest(*parts: str) -> str:
    """A fingerprint of `parts` that does not reveal them: 64 hexadecimal digits."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def saved_failure() -> RequestRefused:
    """The answer to a key whose first answer was a failure, which is kept."""
    return RequestRefused("saved_failure", "this key is answered with an earlier failure")


# --- labels --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServedArea:
    """The area of a carrier: all countries except `unserved`, without the refused postal codes."""

    unserved: frozenset[str] = UNSERVED_COUNTRIES

    def refusal(self, country: str, postal_code: str) -> str | None:
        """Why an address is refused, as a code without personal data; None if it is served."""
        if country.upper() in self.unserved:
            return "country_not_served"
        if postal_code.strip().upper().startswith(POSTAL_CODE_MARKER):
            return "postal_code_not_served"
        return None


def label_fingerprint(request: LabelRequest) -> str:
    """A fingerprint that is equal for requests with the same content."""
    to = request.address
    address = (to.name, to.line1, to.line2, to.city, to.region, to.postal_code, to.country)
    items = [part for item in request.items for part in (item.sku, str(item.quantity))]
    return digest("label", request.installation, request.order_id, *address, *items)


def make_label(request: LabelRequest, area: ServedArea) -> CarrierLabel:
    """The label of a request; refused if the address is outside `area`."""
    refusal = area.refusal(request.address.country, request.address.postal_code)
    mark = digest("label", request.idempotency_key)
    return CarrierLabel(
        label_id=f"lbl_{mark[:20]}",
        installation=request.installation,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        status=LabelStatus.REFUSED if refusal else LabelStatus.LIVE,
        carrier=CARRIER_NAME,
        tracking_number="" if refusal else f"SX{int(mark[20:35], 16):018d}",
        refusal=refusal,
        pieces=sum(item.quantity for item in request.items),
    )


def forbidden_label(order_id: OrderId, idempotency_key: str, installation: str) -> CarrierLabel:
    """The record for a key of a label that must never be bought."""
    mark = digest("label", idempotency_key)
    return CarrierLabel(
        label_id=f"lbl_{mark[:20]}",
        installation=installation,
        idempotency_key=idempotency_key,
        order_id=order_id,
        status=LabelStatus.FORBIDDEN,
        carrier=CARRIER_NAME,
        tracking_number="",
    )


def cancel_label(label: CarrierLabel) -> CarrierLabel:
    """`label` after it was cancelled.

    Raises:
        RequestRefused: it is refused or forbidden.
    """
    if label.status in (LabelStatus.REFUSED, LabelStatus.FORBIDDEN):
        raise RequestRefused("wrong_state", f"a {label.status} label cannot be cancelled")
    return replace(label, status=LabelStatus.CANCELLED)
