"""The composition root: the one place that chooses the implementation of each interface.

    async with open_services(load_settings()) as services:
        await services.handler.execute(...)

Temporal and the providers are loaded and connected at their first use.
"""

import contextlib
import os
import platform
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

import asyncpg

from adapters.events.codec import JsonEventCodec
from adapters.personal_data.fields import PERSONAL_FIELDS
from adapters.personal_data.reading import RedactedStore
from eventstore.commands.handler import CommandHandler
from eventstore.commands.knowledge import IsLost
from eventstore.errors import NotAllowed, SchemaMissing, StoreUnavailable
from eventstore.postgres.pool import create_pool
from eventstore.postgres.pooler import is_transaction_pooled
from eventstore.postgres.store import PostgresEventStore
from eventstore.postgres.waking import PostgresWaker
from eventstore.store import EventStore
from ordersaga.bootstrap.database_problems import TRANSACTION_POOLER, problem_of
from ordersaga.bootstrap.protection import protected
from ordersaga.bootstrap.settings import Settings
from ordersaga.installation.history import Histories, HistoryTable
from ordersaga.installation.identity import Installation

if TYPE_CHECKING:
    from temporalio.client import Client, Interceptor
    from temporalio.runtime import Runtime

    from adapters.notifications.cloud_events import Sink
    from ordersaga.bootstrap.providers import Carriers, Payments, Providers

WITH_OWN_TEXT: Final = (NotAllowed, SchemaMissing)
"""The kinds of `StoreUnavailable` that say themselves what to do."""

_FAILURES: Final = (
    StoreUnavailable,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def _handler(
    settings: Settings, store: EventStore, codec: JsonEventCodec, is_lost: IsLost
) -> CommandHandler:
    if settings.otlp_endpoint is None:
        return CommandHandler(store, codec, is_lost=is_lost)
    from ordersaga.bootstrap import telemetry  # noqa: PLC0415  only where tracing is on

    return CommandHandler(store, codec, stamp=telemetry.with_current_trace, is_lost=is_lost)


class Services:
    """The services that programs of ordersaga use; `open_services` makes them.

    Attributes:
        settings: the settings that they were made from.
        pool: connections to PostgreSQL, for queries of read models.
        log: the event store as the database keeps it, with personal data encrypted.
        store: the event store with personal data readable.
        redacted_store: the event store without personal data, for readers that need none.
        codec: converts events to JSON and back.
        handler: executes commands.
        installation: the id by which payments and labels are known as our own.
        histories: the histories of the database that this process knows of.
        history_table: the same as the database keeps them.
    """

    def __init__(
        self,
        settings: Settings,
        pool: "asyncpg.Pool[asyncpg.Record]",
        closing: AsyncExitStack,
        histories: Histories,
    ) -> None:
        self.settings = settings
        self.pool = pool
        self.log = PostgresEventStore(pool)
        self.store: EventStore = protected(self.log, pool, settings, histories.on_change)
        self.redacted_store = RedactedStore(self.log, PERSONAL_FIELDS)
        self.codec = JsonEventCodec()
        self.handler = _handler(settings, self.store, self.codec, histories.is_lost)
        self.installation = Installation(pool)
        self.histories = histories
        self.history_table = HistoryTable(pool)
        histories.on_change.append(self.handler.forget)
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
        """The Temporal client. The first call connects; arguments of later calls are ignored.

        Raises:
            Unreachable: Temporal does not answer.
        """
        if self._temporal is None:
            from ordersaga.bootstrap import temporal  # noqa: PLC0415  0.4 s, at the first use

            self._temporal = await temporal.connect_temporal(
                self.settings, runtime=runtime, interceptors=interceptors
            )
        return self._temporal

    @cached_property
    def providers(self) -> "Providers":
        """The payment provider and the carrier as this process sees them."""
        from ordersaga.bootstrap.providers import Providers  # noqa: PLC0415  HTTP clients

        return Providers()

    def payments(self) -> "Payments":
        """The configured payment provider."""
        if self._payments is None:
            from ordersaga.bootstrap import providers  # noqa: PLC0415  HTTP clients, at first use

            self._payments = providers.build_payments(self.settings, self.providers)
            self._closing.push_async_callback(self._payments.close)
        return self._payments

    def carrier(self) -> "Carriers":
        """The configured carrier."""
        if self._carrier is None:
            from ordersaga.bootstrap import providers  # noqa: PLC0415  HTTP clients, at first use

            self._carrier = providers.build_carrier(self.settings, self.providers)
            self._closing.push_async_callback(self._carrier.close)
        return self._carrier

    def sink(self) -> "Sink":
        """Where notifications of the outbox go."""
        from ordersaga.bootstrap import providers  # noqa: PLC0415  HTTP clients, at first use

        sink = providers.build_sink(self.settings)
        self._closing.push_async_callback(sink.close)
        return sink

    async def waker(self) -> PostgresWaker:
        """Wakes readers after an append of any process."""
        if self._waker is None:
            self._waker = PostgresWaker(
                self.settings.dsn(), statement_s=self.settings.database_timeout_s
            )
            await self._waker.start()
            self._closing.push_async_callback(self._waker.stop)
        return self._waker


PROGRAM: Final = "ordersaga-"
"""What the names begin with that processes give themselves in `pg_stat_activity`."""

_LONGEST_NAME: Final = 63


def process_name(name: str) -> str:
    """What a process calls itself in `pg_stat_activity`, so that each of them can be counted.

    The server cuts long names. The end is cut off the host, so a short random part tells apart
    the processes of containers, whose pids and host names begin alike.
    """
    own = f"{PROGRAM}{name} {secrets.token_hex(3)} {os.getpid()}@{platform.node()}"
    return own[:_LONGEST_NAME]


@asynccontextmanager
async def open_services(
    settings: Settings, *, application_name: str = "ordersaga"
) -> AsyncIterator[Services]:
    """Connect to PostgreSQL and make the services; closes all of them at the end.

    Raises:
        Unreachable: PostgreSQL does not answer.
        WrongSetting: see `require_sessions`.
    """
    await require_sessions(settings)
    histories = Histories()
    async with AsyncExitStack() as closing:
        with reaching_database(settings):
            pool = await create_pool(
                settings.dsn(),
                max_size=settings.database_pool_size,
                statement_s=settings.database_timeout_s,
                application_name=application_name,
                on_connect=histories.enter,
            )
        closing.push_async_callback(pool.close)
        services = Services(settings, pool, closing, histories)
        closing.push_async_callback(services.log.close)
        closing.push_async_callback(services.handler.close)
        yield services


async def require_sessions(settings: Settings) -> None:
    """Refuse a pooler that gives each transaction another session: half of our work would fail.

    Raises:
        Unreachable: PostgreSQL does not answer.
        WrongSetting: the URL leads to such a pooler.
    """
    with reaching_database(settings):
        is_pooled = await is_transaction_pooled(
            settings.dsn(), statement_s=settings.database_timeout_s
        )
    if is_pooled:
        raise TRANSACTION_POOLER.error(f"PostgreSQL at {settings.database_location()}")


@contextlib.contextmanager
def reaching_database(settings: Settings) -> Iterator[None]:
    """Report every failure to connect as one line without the password.

    Raises:
        Unreachable: the server does not answer, or answers that it cannot work now.
        Refused: the login lacks a right.
        WrongSetting: the URL is wrong, or leads to a pooler in transaction mode.
    """
    try:
        yield
    except WITH_OWN_TEXT:
        raise
    except _FAILURES as error:
        subject = f"PostgreSQL at {settings.database_location()}"
        raise problem_of(error).error(subject) from None
