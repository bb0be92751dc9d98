"""A shop that meets one trouble at a time: of its provider, of its store, or an unexpected one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from activities.failures import Trouble
from activities.payment_port import ProviderPayment
from activities.ports import GatewayError, GatewayRefusedAccess, GatewayUnavailable
from adapters.providers.fakes import FakePaymentGateway
from eventstore.commands.handler import CommandHandler
from eventstore.errors import StoreUnavailable
from eventstore.memory import InMemoryEventStore
from eventstore.model import AppendResult, StoredEvent, StreamAppend
from tests.support.sagas.shop import Shop

SECRET = "Jo Secretperson"
"""Stands in the text of the exception that nobody expects."""


class TroubledStore(InMemoryEventStore):
    """Fails while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused = 0

    async def read_streams(
        self, names: Iterable[str], **options: Any
    ) -> Mapping[str, Sequence[StoredEvent]]:
        self._refuse_while_away()
        return await super().read_streams(names, **options)

    async def append(self, *appends: StreamAppend) -> AppendResult:
        self._refuse_while_away()
        return await super().append(*appends)

    def _refuse_while_away(self) -> None:
        if self.away:
            self.refused += 1
            raise StoreUnavailable("away on purpose")


class TroubledGateway(FakePaymentGateway):
    """Raises an error instead of taking money."""

    error: Exception | None = None
    failed = 0

    async def confirm(self, reference: str) -> ProviderPayment:
        if self.error is not None:
            self.failed += 1
            raise self.error
        return await super().confirm(reference)


class TroubledShop(Shop):
    """A shop whose charges meet a trouble until it is repaired."""

    def __init__(self) -> None:
        super().__init__()
        self.store = self.troubled_store = TroubledStore()
        self.handler = CommandHandler(self.store, self.codec)
        self.payments = self.gateway = TroubledGateway()

    def meet(self, trouble: Trouble, error: GatewayError | None = None) -> None:
        """From now on charges meet this trouble, and no other."""
        self.repair()
        match trouble:
            case Trouble.PROVIDER:
                self.gateway.error = error or GatewayUnavailable("down on purpose")
            case Trouble.STORE:
                self.troubled_store.away = True
            case Trouble.UNEXPECTED:
                self.gateway.error = ValueError(SECRET)
            case Trouble.WORKER:
                raise ValueError("stop the worker instead")

    def refuse_access(self) -> None:
        """From now on the provider does not accept our credentials."""
        self.meet(Trouble.PROVIDER, GatewayRefusedAccess("charge: HTTP 401"))

    def repair(self) -> None:
        """Everything works again."""
        self.gateway.error = None
        self.troubled_store.away = False

    @property
    def attempts(self) -> int:
        """Attempts that a trouble has failed."""
        return self.gateway.failed + self.troubled_store.refused
