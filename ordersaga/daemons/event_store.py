"""The event store as something that a process needs."""

from contextlib import AsyncExitStack

from ordersaga.bootstrap.protection import master_key_state
from ordersaga.bootstrap.schema import pending_migrations
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services, process_name, reaching_database
from ordersaga.errors import Unreachable


class EventStoreNeed:
    """PostgreSQL with sessions of our own, the schema of this program, and the right master key.

    Args:
        settings: where it is.
        process: name of the process, which the database shows.
        opens_personal_data: whether the process must have the right master key.
    """

    name = "event_store"

    def __init__(
        self, settings: Settings, process: str, *, opens_personal_data: bool = False
    ) -> None:
        self.place = f"PostgreSQL at {settings.database_location()}"
        self._settings = settings
        self._application_name = process_name(process)
        self._opens_personal_data = opens_personal_data
        self._closing = AsyncExitStack()
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        """What the process works with, once the need is met."""
        if self._services is None:
            raise RuntimeError("the event store was not opened")
        return self._services

    async def meet(self) -> None:
        """See `Need.meet`."""
        async with AsyncExitStack() as opening:
            services = await opening.enter_async_context(
                open_services(self._settings, application_name=self._application_name)
            )
            await self._require_schema()
            if self._opens_personal_data:
                await self._require_master_key(services)
            await self._append(services)
            self._closing, self._services = opening.pop_all(), services

    async def probe(self) -> None:
        """See `Need.probe`."""
        await self._append(self.services)

    async def close(self) -> None:
        """See `Need.close`."""
        await self._closing.aclose()

    async def _append(self, services: Services) -> None:
        with reaching_database(self._settings):
            await services.log.probe()

    async def _require_schema(self) -> None:
        with reaching_database(self._settings):
            missing = await pending_migrations(self._settings.dsn())
        if missing:
            raise Unreachable(f"the database lacks {', '.join(missing)}: run `ordersaga migrate`")

    async def _require_master_key(self, services: Services) -> None:
        keys = await master_key_state(services.pool, self._settings)
        if keys.opens_nothing:
            raise Unreachable(str(keys.problem))
