"""The account: its settings, its clock, its keys."""

import base64
import binascii
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.sandboxes.stripe.books import Books
from adapters.sandboxes.stripe.errors import StripeRefusal

ACCOUNT_ID: Final = "acct_sandbox"
RIGHTS: Final = frozenset(
    f"rak_{name}_{act}"
    for name in ("payment_intent", "payment_method", "charge", "balance", "account")
    for act in ("read", "write")
)

Seconds = Annotated[float, Field(ge=0, le=10 * 365 * 86400)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class AccountSettings(BaseModel):
    """What can be set about the account.

    Attributes:
        search_lag_s: how long the search does not see a change; "under normal operating conditions,
            data is searchable in under 1 minute" (https://docs.stripe.com/search).
        search: `refused` as for accounts that have no search, in India.
        hold_s: how long an authorisation is valid: 7 days
            (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method).
        expiry_reason: the cancellation reason of an authorisation that has expired.
        refund_s: how long a refund takes that is not settled at once.
        key_s: how long an idempotency key is kept: at least 24 hours.
        requests_per_second: of the whole account; 0 for no limit. Stripe: 100 live, 25 in a sandbox
            (https://docs.stripe.com/rate-limits).
        requests_per_endpoint: a second; 0 for no limit.
        searches_per_second: 0 for no limit.
        updates_per_hour: of one payment intent; 0 for no limit.
        lock_wait_s: how long a request waits for an object that another one holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    search_lag_s: Seconds = 60.0
    search: Literal["on", "refused"] = "on"
    hold_s: Seconds = 7 * 86400.0
    expiry_reason: Literal["automatic", "expired"] = "automatic"
    refund_s: Seconds = 3600.0
    key_s: Seconds = 86400.0
    requests_per_second: Count = 100
    requests_per_endpoint: Count = 25
    searches_per_second: Count = 20
    updates_per_hour: Count = 1000
    lock_wait_s: Annotated[float, Field(ge=0, le=60)] = 2.0


class KeyBody(BaseModel):
    """Request: POST /control/keys. A restricted key may do what `rights` say, and must be here."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^(sk|rk)_test_\w{1,200}$")]
    state: Literal["active", "expired", "revoked"] = "active"
    rights: list[str] = []


@dataclass(slots=True)
class Account:
    """The account as it is now; whoever changes it saves it.

    Attributes:
        settings: what was set.
        moved_s: how far the clock was moved forward.
        keys: what is known of single keys.
    """

    settings: AccountSettings
    moved_s: float = 0.0
    keys: dict[str, KeyBody] = field(default_factory=dict)

    def now(self) -> float:
        """The account's time, in seconds since the epoch."""
        return time.time() + self.moved_s

    def load(self, books: Books) -> None:
        """What the books keep of an earlier run."""
        stored: dict[str, Any] = books.fact("account") or {}
        self.moved_s = stored.get("moved_s", 0.0)
        self.keys = {each["key"]: KeyBody(**each) for each in stored.get("keys", [])}
        self.settings = self.settings.model_copy(update=stored.get("settings", {}))

    def save(self, books: Books) -> None:
        """Keep everything that was changed."""
        books.set_fact(
            "account",
            {
                "moved_s": self.moved_s,
                "keys": [each.model_dump() for each in self.keys.values()],
                "settings": self.settings.model_dump(exclude_unset=True),
            },
        )

    def rights(self, key: str) -> frozenset[str]:
        """The rights of a key.

        Raises:
            StripeRefusal: it is missing, unknown, expired or revoked: 401.
        """
        if not key:
            raise StripeRefusal(401, "You did not provide an API key.")
        entry = self.keys.get(key)
        is_unknown = entry is None and not key.startswith("sk_test_")
        if is_unknown or (entry is not None and entry.state == "revoked"):
            raise StripeRefusal(401, f"Invalid API Key provided: {masked(key)}")
        if entry is not None and entry.state == "expired":
            text = f"Expired API Key provided: {masked(key)}"
            raise StripeRefusal(401, text, code="api_key_expired")
        is_restricted = entry is not None and key.startswith("rk_")
        return frozenset(entry.rights) if entry is not None and is_restricted else RIGHTS


def check_right(rights: frozenset[str], right: str, key: str) -> None:
    """Refuse what a restricted key may not do: 403; who may write may read."""
    if right in rights or right.replace("_read", "_write") in rights:
        return
    raise StripeRefusal(
        403,
        f"The provided key '{masked(key)}' does not have the required permissions for this endpoint"
        f" on account '{ACCOUNT_ID}'. Having the '{right}' permission would allow this request to"
        " continue.",
    )


def key_in(header: str) -> str:
    """The API key in an Authorization header, as Bearer or as the user of Basic; "" without one."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def masked(key: str) -> str:
    """A key as error messages show it."""
    return f"{key[:8]}{'*' * max(len(key) - 12, 3)}{key[-4:] if len(key) > 12 else ''}"
