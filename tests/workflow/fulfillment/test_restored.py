"""`ordersaga restored`: the database goes back while Temporal and the providers do not.

On PostgreSQL, with the saga's workers in the process of the test: the database is copied at the
point, and the copy takes its place.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.providers.faults import Fault, FaultKind
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.errors import Refused
from ordersaga.operations.restoring.outcome import Ahead, RestartOutcome, Restored
from ordersaga.operations.restoring.restore import Restore
from ordersaga.operations.verification.report import Check
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.sources import Sources
from tests.acceptance.cli_shop import MASTER_KEY
from tests.integration.eventstore.test_crash_and_restore import copy
from tests.support.sagas.sagas import Handle, forget, result, start, stocked_saga, until_status
from tests.support.sagas.shop import Shop, document, running_workers
from tests.support.sagas.temporal import time_skipping_server
from tests.support.stores.postgres import fresh_database

BY = {"actor": "ann", "reason": "as agreed"}
NO_LABEL = Fault(FaultKind.UNAVAILABLE, operation="buy_label")
NO_PAYMENT = Fault(FaultKind.UNAVAILABLE, operation="confirm")


class StoredShop(Shop):
    """A shop whose event store is a database."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.use(services)

    def use(self, services: Services) -> None:
        """Go on with another database."""
        self.services = services
        self.store, self.handler = services.store, services.handler  # type: ignore[assignment]  # of another kind
        self.installation = services.installation  # type: ignore[assignment]  # likewise

    @property
    def sources(self) -> Sources:
        why = "not a part of this"
        missing = {Check.SAGAS: why, Check.READ_MODELS: why}
        store, codec = self.services.redacted_store, self.services.codec
        books = (self.payments, self.carrier, self.installation)
        return Sources(store, codec, *books, None, None, missing)


class Site:
    """A shop, and the databases that it goes on with."""

    def __init__(self, client: Client, old: str, new: str, shop: StoredShop) -> None:
        self.client, self.shop = client, shop
        self._old, self._new = old, new
        self._closing = AsyncExitStack()
        self._working = AsyncExitStack()

    async def work(self) -> None:
        await self._working.enter_async_context(running_workers(self.client, self.shop))

    def name_the_point(self) -> None:
        """The moment that the database goes back to."""
        copy(self._old, self._new)

    async def go_back(self) -> None:
        """Stop the workers, and go on at the point."""
        await self._working.aclose()
        services = await self._closing.enter_async_context(opened(self._new))
        self.shop.use(services)

    async def close(self) -> None:
        await self._working.aclose()
        await self._closing.aclose()

    async def restored(self, *, dry_run: bool = False) -> Restored:
        table, handler = self.shop.services.history_table, self.shop.handler
        return await Restore(self.client, handler, table, self.shop.sources, dry_run).run()

    def saga(self, order_id: str) -> Handle:
        return self.client.get_workflow_handle(f"order-{order_id}")

    async def outcome(self, order_id: str) -> str:
        return str((await result(self.saga(order_id)))["outcome"])

    async def is_clean(self) -> bool:
        report = await verify(self.shop.sources)
        assert report.findings == [], report.findings
        return all(sums.equal for sums in report.comparisons)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Services]:
    settings = Settings.model_validate({"database_url": url, "master_key": MASTER_KEY})
    async with open_services(settings) as services:
        yield services


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own: whatever it knows is examined."""
    async with time_skipping_server() as environment:
        yield environment


@pytest.fixture
async def site(client: Client, postgres_server: EmbeddedPostgres) -> AsyncIterator[Site]:
    for workflow_id in {run.id async for run in client.list_workflows()}:
        await forget(client, workflow_id)
    async with fresh_database(postgres_server) as old, fresh_database(postgres_server) as new:
        await migrate_all(old)
        async with opened(old) as services:
            site = Site(client, old, new, StoredShop(services))
            await site.work()
            try:
                yield site
            finally:
                await site.close()


def of(found: Restored, order_id: str) -> Ahead:
    [one] = [each for each in found.ahead if each.workflow_id == f"order-{order_id}"]
    return one


async def ended(site: Site, order_ids: Sequence[str]) -> set[str]:
    return {await site.outcome(order_id) for order_id in order_ids}


async def test_who_knows_more_is_started_again_and_nothing_happens_twice(site: Site) -> None:
    shop, client = site.shop, site.client
    done, handle = await stocked_saga(client, shop)
    await result(handle)
    shop.carrier.faults.add(NO_LABEL)
    paid, handle = await stocked_saga(client, shop)
    await until_status(handle, step="create_shipment")
    shop.payments.faults.add(NO_PAYMENT)
    unpaid, handle = await stocked_saga(client, shop)
    await until_status(handle, step="process_payment")
    await shop.receive("later-sku", 10)
    site.name_the_point()

    # After the point: two that were open end, one comes in and ends, nobody else changes.
    shop.carrier.faults.clear()
    shop.payments.faults.clear()
    later = f"{done}-later"
    goods = document("later")["lines"]
    await start(client, later, document(later, lines=goods))
    assert await ended(site, [paid, unpaid, later]) == {"completed"}
    with pytest.raises(Refused, match="always had"):
        await site.restored()  # the old database has one history
    books = [payment.reference async for payment in shop.payments.payments()]
    labels = shop.carrier.count("buy_label")
    await site.go_back()

    tried = await site.restored(dry_run=True)
    found = await site.restored()
    assert tried.ahead == found.ahead
    assert {each.workflow_id for each in found.ahead} == {
        f"order-{each}" for each in (paid, unpaid, later)
    }
    fates = [of(found, each).fate for each in (paid, unpaid, later)]
    assert fates == [RestartOutcome.AGAIN, RestartOutcome.AGAIN, RestartOutcome.ANEW]
    assert {one.order_id for one in found.forgotten} == {paid, unpaid, later}
    assert not found.needs_person
    await site.work()
    assert await ended(site, [paid, unpaid, later]) == {"completed"}
    assert [payment.reference async for payment in shop.payments.payments()] == books
    assert shop.carrier.count("buy_label") > labels  # asked again, by the same keys
    assert await site.is_clean()
    again = await site.restored()
    assert (again.ahead, again.forgotten, again.recovered) == ([], [], 0)


async def test_what_was_cancelled_is_cancelled_again(site: Site) -> None:
    shop, client = site.shop, site.client
    shop.carrier.faults.add(NO_LABEL)
    known, first = await stocked_saga(client, shop)
    await until_status(first, step="create_shipment")
    await shop.receive("later-sku", 10)
    site.name_the_point()
    later = f"{known}-later"
    second = await start(client, later, document(later, lines=document("later")["lines"]))
    await until_status(second, step="create_shipment")
    for handle in (first, second):
        await handle.execute_update("cancel", {**BY, "requested_by": "customer"})
    assert await ended(site, [known, later]) == {"cancelled"}
    shop.carrier.faults.clear()
    await site.go_back()
    found = await site.restored()
    assert [of(found, each).fate for each in (known, later)] == [
        RestartOutcome.AGAIN,
        RestartOutcome.ANEW,
    ]
    await site.work()
    assert await ended(site, [known, later]) == {"cancelled"}
    assert await site.is_clean()


async def test_acts_of_people_that_are_lost_are_named_and_the_order_waits(site: Site) -> None:
    shop, client = site.shop, site.client
    shop.payments.faults.add(NO_PAYMENT)
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="process_payment")
    site.name_the_point()
    address = {**document(order_id)["address"], "line1": "2 New Lane"}
    await handle.execute_update("change_address", {**BY, "address": address})
    shop.payments.faults.clear()
    assert await ended(site, [order_id]) == {"completed"}
    await site.go_back()
    found = await site.restored()
    assert of(found, order_id).lost_acts == ("change_address by ann",)
    assert found.needs_person
    await site.work()
    saga = site.saga(order_id)
    status = await until_status(saga, held_by="restore")
    assert "change_address by ann" in status["hold_reason"]
    await saga.execute_update("change_address", {**BY, "address": address})
    await saga.execute_update("resume", BY)
    assert await ended(site, [order_id]) == {"completed"}
    assert await site.is_clean()


async def test_what_nobody_knows_is_named_until_the_order_is_placed_again(site: Site) -> None:
    shop, client = site.shop, site.client
    done, first = await stocked_saga(client, shop)
    await result(first)
    await shop.receive("later-sku", 10)
    site.name_the_point()
    later = f"{done}-later"
    same = document(later, lines=document("later")["lines"])
    handle = await start(client, later, same)
    await result(handle)
    await forget(client, handle.id)  # Temporal's retention has passed
    await site.go_back()
    found = await site.restored()
    assert found.ahead == []
    assert {(one.what, one.order_id, one.needs_person) for one in found.forgotten} == {
        ("payment", later, True),
        ("label", later, True),
    }
    await site.work()
    await start(client, later, same)
    assert await site.outcome(later) == "completed"
    assert await site.is_clean()
