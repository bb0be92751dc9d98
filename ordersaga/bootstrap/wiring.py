"""The composition root: the one place where interfaces get their concrete sides.

    async with open_services(load_settings()) as services:
        await services.handler.execute(...)

Nothing is connected at import; Temporal and the gateways are connected when first asked for.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from adapters.events.codec import JsonEventCodec
from adapters.personal_data.fields import PERSONAL_FIELDS
from adapters.personal_data.reading import RedactedStore
from eventstore.commands.handler import CommandHandler
from eventstore.postgres.checkpoints import PostgresCheckpoints
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from eventstore.postgres.waking import PostgresWaker
from eventstore.store import EventStore
from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import Unreachable
from ordersaga.personal_data.protection import protected

if TYPE_CHECKING:
    import asyncpg
    from temporalio.client import Client, Interceptor
    from temporalio.runtime import Runtime

    from activities.ports import (
        Carrier,
        CarrierLedger,
        Notifications,
        PaymentGateway,
        PaymentLedger,
    )
    from adapters.notifications.cloud_events import Sink

    class Payments(PaymentGateway, PaymentLedger, Protocol):
        """A payment provider that also shows its ledger."""

    class Carriers(Carrier, CarrierLedger, Protocol):
        """A carrier that also shows its ledger."""


def _handler(settings: Settings, store: EventStore, codec: JsonEventCodec) -> CommandHandler:
    if settings.otlp_endpoint is None:
        return CommandHandler(store, codec)
    from ordersaga.bootstrap.telemetry import with_current_trace

    return CommandHandler(store, codec, stamp=with_current_trace)


class Services:
    """What programs of ordersaga work with; made by `open_services`.

    Attributes:
        settings: what it was made from.
        pool: connections to PostgreSQL, for queries of read models.
        log: the event store itself, as the database keeps it; personal data is sealed in it.
        store: the event store with personal data readable.
        redacted_store: the event store without any personal data: for readers that need none.
        codec: events to JSON and back.
        handler: runs commands against the store.
    """

    def __init__(
        self, settings: Settings, pool: "asyncpg.Pool[asyncpg.Record]", closing: AsyncExitStack
    ) -> None:
        self.settings = settings
        self.pool = pool
        self.log = PostgresEventStore(pool)
        self.store: EventStore = protected(self.log, pool, settings)
        self.redacted_store = RedactedStore(self.log, PERSONAL_FIELDS)
        self.codec = JsonEventCodec()
        self.handler = _handler(settings, self.store, self.codec)
        self._closing = closing
        self._temporal: Client | None = None
        self._payments: Payments | None = None
        self._carrier: Carriers | None = None
        self._waker: PostgresWaker | None = None

    async def temporal(
        self,
        *,
        runtime: "Runtime | None" = None,
        interceptors: "Sequence[Interceptor]" = (),
    ) -> "Client":
        """The Temporal client; the first call connects and its arguments count.

        Raises:
            Unreachable: Temporal does not answer.
        """
        if self._temporal is None:
            self._temporal = await connect_temporal(
                self.settings, runtime=runtime, interceptors=interceptors
            )
        return self._temporal

    def payments(self) -> "Payments":
        """The payment provider of the settings."""
        if self._payments is None:
            self._payments = build_payments(self.settings)
            self._closing.push_async_callback(self._payments.close)
        return self._payments

    def carrier(self) -> "Carriers":
        """The carrier of the settings."""
        if self._carrier is None:
            self._carrier = build_carrier(self.settings)
            self._closing.push_async_callback(self._carrier.close)
        return self._carrier

    def notifications(self) -> "Notifications":
        """Where calls for a person go."""
        from adapters.notifications.log import LogNotifications

        return LogNotifications()

    def sink(self) -> "Sink":
        """Where notifications of the outbox go."""
        sink = build_sink(self.settings)
        self._closing.push_async_callback(sink.close)
        return sink

    def checkpoints(self) -> PostgresCheckpoints:
        """Where subscriptions keep their positions."""
        return PostgresCheckpoints(self.pool)

    async def waker(self) -> PostgresWaker:
        """Wakes readers after appends of any process."""
        if self._waker is None:
            self._waker = PostgresWaker(self.settings.dsn())
            await self._waker.start()
            self._closing.push_async_callback(self._waker.stop)
        return self._waker


@asynccontextmanager
async def open_services(
    settings: Settings, *, application_name: str = "ordersaga"
) -> AsyncIterator[Services]:
    """Connect to PostgreSQL and give everything that works on it; closes all of it at the end.

    Raises:
        Unreachable: PostgreSQL does not answer.
    """
    async with AsyncExitStack() as closing:
        with reaching_database(settings):
            pool = await create_pool(
                settings.dsn(),
                max_size=settings.database_pool_size,
                application_name=application_name,
            )
        closing.push_async_callback(pool.close)
        services = Services(settings, pool, closing)
        closing.push_async_callback(services.log.close)
        yield services


@contextlib.contextmanager
def reaching_database(settings: Settings) -> Iterator[None]:
    """Turn the many ways in which connecting can fail into one line without the password."""
    import asyncpg

    from eventstore.errors import StoreUnavailable

    try:
        yield
    except asyncpg.InvalidAuthorizationSpecificationError:
        problem = "refused the user or password"
    except asyncpg.InvalidCatalogNameError:
        problem = "has no database of that name"
    except (OSError, TimeoutError, StoreUnavailable, asyncpg.PostgresConnectionError):
        problem = "does not answer"
    else:
        return
    raise Unreachable(
        f"PostgreSQL at {settings.database_location()} {problem}: "
        "check ORDERSAGA_DATABASE_URL or start `ordersaga up`"
    )


def temporal_config(settings: Settings) -> dict[str, Any]:
    """Arguments for connecting a Temporal client, `target_host` always among them."""
    import os

    from temporalio.envconfig import ClientConfig

    if settings.embedded_temporal_address and not os.environ.get("TEMPORAL_ADDRESS"):
        return {"target_host": settings.embedded_temporal_address, "namespace": "default"}
    return {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}


async def connect_temporal(
    settings: Settings,
    *,
    runtime: "Runtime | None" = None,
    interceptors: "Sequence[Interceptor]" = (),
) -> "Client":
    """Connect to the Temporal server of the settings.

    Raises:
        Unreachable: it does not answer.
    """
    from temporalio.client import Client
    from temporalio.service import RPCError

    from workers.converter import DATA_CONVERTER

    config = temporal_config(settings)
    try:
        return await Client.connect(
            **config, data_converter=DATA_CONVERTER, runtime=runtime, interceptors=interceptors
        )
    except (RuntimeError, RPCError):
        raise Unreachable(
            f"Temporal at {config['target_host']} does not answer: "
            "check TEMPORAL_ADDRESS or start `ordersaga up`"
        ) from None


def build_payments(settings: Settings) -> "Payments":
    """The payment provider that the settings choose."""
    if settings.payment_provider == "stripe":
        return _stripe(settings)
    from adapters.payments.http import HttpPaymentGateway

    return HttpPaymentGateway(_base(settings.payment_url), timeout_s=settings.gateway_timeout_s)


def build_carrier(settings: Settings) -> "Carriers":
    """The carrier of the settings."""
    from adapters.shipping.http import HttpCarrier

    return HttpCarrier(_base(settings.carrier_url), timeout_s=settings.gateway_timeout_s)


def build_sink(settings: Settings) -> "Sink":
    """The webhook of the settings, or the log if none is set."""
    from adapters.notifications.cloud_events import LogSink

    if settings.webhook_url is None or settings.webhook_secret is None:
        return LogSink()
    from adapters.notifications.signature import parse_secrets
    from adapters.notifications.webhooks import WebhookSink

    return WebhookSink(
        str(settings.webhook_url),
        parse_secrets(settings.webhook_secret.get_secret_value()),
        timeout_s=settings.webhook_timeout_s,
        connections=settings.webhook_connections,
    )


def _stripe(settings: Settings) -> "Payments":
    from adapters.payments.stripe import StripePaymentGateway

    if settings.stripe_api_key is None:
        raise RuntimeError("load_settings lets no stripe setting without a key through")
    base = _base(settings.stripe_api_base) if settings.stripe_api_base else None
    return StripePaymentGateway(settings.stripe_api_key.get_secret_value(), api_base=base)


def _base(url: object) -> str:
    return str(url).rstrip("/")
