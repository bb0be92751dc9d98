"""One request of the API at work on the books."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.providers.faults import FaultKind
from adapters.sandboxes.stripe.account import AccountSettings
from adapters.sandboxes.stripe.books import Books
from adapters.sandboxes.stripe.errors import Body, missing_object, rate_limited
from adapters.sandboxes.stripe.objects import INTENT

_HOUR_S = 3600.0
_NAMES = {"payment_method": "PaymentMethod"}


@dataclass(slots=True)
class ApiCall:
    """A request, inside a transaction of the books.

    Attributes:
        books: the books.
        settings: of the account.
        version: the version of the API that the request asks for.
        path: the ids in its path.
        values: its parameters.
        decision: the injected answer of the bank.
        processing_s: how long the bank thinks, if it is to answer `processing`.
    """

    books: Books
    settings: AccountSettings
    version: str
    path: Mapping[str, str] = field(default_factory=dict)
    values: Body = field(default_factory=dict)
    decision: FaultKind | None = None
    processing_s: float = 0.0

    @property
    def now(self) -> int:
        """The account's time in whole seconds."""
        return int(self.books.now)

    def stored(self, kind: str, reference: str, param: str, *, in_path: bool = False) -> Body:
        """An object that a parameter or the path names.

        Raises:
            StripeRefusal: there is none.
        """
        body = self.books.find(kind, reference)
        if body is None:
            raise missing_object(_NAMES.get(kind, kind), reference, param, in_path=in_path)
        return body

    def named(self, kind: str, param: str) -> Body:
        """The object that the path names."""
        return self.stored(kind, self.path["id"], param, in_path=True)

    def intent_to_change(self) -> Body:
        """The payment intent that the path names; counts the change.

        Raises:
            StripeRefusal: there is none, or it was changed too often within an hour.
        """
        intent = self.named(INTENT, "intent")
        most = self.settings.updates_per_hour
        since, changes = intent.get("_changes", (self.books.now, 0))
        if self.books.now - since >= _HOUR_S:
            since, changes = self.books.now, 0
        if most and changes >= most:
            raise rate_limited("resource-specific")
        intent["_changes"] = (since, changes + 1)
        return intent
