"""Erasing somebody on a real database: nothing readable is left, and all else still works."""

import pytest

from activities.orders.intake import OrderConflict
from domain.errors import NotFound, RuleBroken
from domain.ids import CustomerId, OrderId
from domain.values import Address, Redacted, Redaction
from eventstore.postgres.growth.archive import Archive
from ordersaga.errors import Refused
from ordersaga.personal_data.erasure import Eraser, Erasure
from ordersaga.personal_data.vault import KeyRing
from projections.operations import checking, rebuild
from projections.registry import ALL
from tests.support.stores.personal_data import HIDDEN, MOVED, SECRETS, SealedShop, sealed_shop

ERASED = Redacted(Redaction.ERASED)
CUSTOMER = CustomerId("17850")


async def erase(shop: SealedShop, customer_id: str = "17850") -> Erasure:
    eraser = Eraser(shop.services, "cli:jo", quiet_s=0)
    return await eraser.erase_customer(CustomerId(customer_id), "asked by letter")


async def ended_order(
    shop: SealedShop, order_id: str = "A1", customer: str | None = "17850"
) -> None:
    await shop.place(order_id, customer)
    await shop.move(order_id)
    await shop.cancel(order_id)


def leaked(tables: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, secret) for name, text in tables.items() for secret in SECRETS if secret in text]


# --- before --------------------------------------------------------------------------------------


async def test_no_table_holds_personal_data_in_plain_text(shop: SealedShop) -> None:
    await ended_order(shop)
    await shop.runner().catch_up()
    tables = await shop.tables()
    assert "$sealed" in tables["eventstore.events"]
    assert "A1" in tables["read_models.current_orders"]
    assert leaked(tables) == []


async def test_plain_text_would_be_found(database: str, master_key: str) -> None:
    async with sealed_shop(database, master_key, encrypt_personal_data=False) as shop:
        await ended_order(shop)
        assert {name for name, _ in leaked(await shop.tables())} == {"eventstore.events"}


async def test_whoever_has_the_key_reads_what_was_written(shop: SealedShop) -> None:
    await ended_order(shop)
    order = await shop.order("A1")
    assert (order.submitted_address, order.address) == (HIDDEN, MOVED)
    assert order.payment.token == "tok_secret"


async def test_one_customer_has_one_key_and_every_guest_order_its_own(shop: SealedShop) -> None:
    for order_id, customer in (("A1", "17850"), ("A2", "17850"), ("A3", None), ("A4", None)):
        await shop.place(order_id, customer)
    rows = await shop.services.pool.fetch("SELECT subject FROM personal_data.data_keys")
    assert {row[0] for row in rows} == {"customer-17850", "order-A3", "order-A4"}


# --- after ---------------------------------------------------------------------------------------


async def test_after_an_erasure_every_value_is_redacted(
    shop: SealedShop, database: str, master_key: str
) -> None:
    await ended_order(shop)
    await ended_order(shop, "B1", "13047")
    done = await erase(shop)
    assert (done.order_ids, done.keys_destroyed, done.recorded_now) == (["A1"], 1, True)
    async with sealed_shop(database, master_key) as other:
        order = await other.order("A1")
        assert (order.submitted_address, order.address, order.payment.token) == (ERASED,) * 3
        assert isinstance((await other.order("B1")).address, Address)


async def test_a_process_that_knew_the_key_forgets_it_within_its_lifetime(shop: SealedShop) -> None:
    await ended_order(shop)
    assert (await shop.order("A1")).address == MOVED
    await erase(shop)
    assert (await shop.order("A1")).address == MOVED
    shop.services.store._vault._clock = lambda: float("inf")  # type: ignore[attr-defined]  # time passes
    assert (await shop.order("A1")).address == ERASED


async def test_the_erasure_is_recorded_without_personal_data(shop: SealedShop) -> None:
    await ended_order(shop)
    await erase(shop)
    (event,) = await shop.services.log.read_stream("customer-17850")
    (key_id,) = await KeyRing(shop.services.pool).destroyed("customer-17850")
    assert (event.event_type, event.metadata.actor) == ("CustomerErased", "cli:jo")
    assert event.data == {
        "subject": "customer-17850",
        "keys": [str(key_id)],
        "reason": "asked by letter",
    }


async def test_erasing_again_changes_nothing(shop: SealedShop) -> None:
    await ended_order(shop)
    await erase(shop)
    head = await shop.services.log.head()
    again = await erase(shop)
    assert (again.keys_destroyed, again.recorded_now) == (0, False)
    assert await shop.services.log.head() == head


async def test_read_models_are_rebuilt_and_right_after_an_erasure(shop: SealedShop) -> None:
    await ended_order(shop)
    await shop.runner().catch_up()
    await erase(shop)
    await shop.runner().catch_up()
    services = shop.services
    assert await checking.check(services.pool, services.redacted_store, services.codec) == []
    for projection in ALL:
        await rebuild.rebuild(services.pool, services.redacted_store, services.codec, projection)
    assert await checking.check(services.pool, services.redacted_store, services.codec) == []
    assert leaked(await shop.tables()) == []
    audit = (await shop.tables())["read_models.audit_log"]
    assert "CustomerErased" in audit
    assert "asked by letter" in audit


async def test_an_erased_order_that_comes_again_is_recognised(
    shop: SealedShop, database: str, master_key: str
) -> None:
    await ended_order(shop)
    await erase(shop)
    async with sealed_shop(database, master_key) as other:
        head = await other.services.log.head()
        await other.place("A1")
        assert await other.services.log.head() == head
        with pytest.raises(OrderConflict, match="customer_id"):
            await other.place("A1", "13047")


async def test_an_order_placed_after_an_erasure_is_readable_under_a_new_key(
    shop: SealedShop, database: str, master_key: str
) -> None:
    await ended_order(shop)
    await erase(shop)
    async with sealed_shop(database, master_key) as other:
        await ended_order(other, "A2")
        assert (await other.order("A2")).address == MOVED
        assert (await other.order("A1")).address == ERASED
        again = await erase(other)
        assert (again.keys_destroyed, again.recorded_now) == (1, True)
        assert len(await other.services.log.read_stream("customer-17850")) == 2


# --- who can be erased ---------------------------------------------------------------------------


async def test_a_customer_with_an_open_order_is_not_erased(shop: SealedShop) -> None:
    await ended_order(shop)
    await shop.place("A2")
    with pytest.raises(RuleBroken, match=r"A2 \(submitted\)"):
        await erase(shop)
    assert (await shop.order("A1")).address == MOVED
    assert await KeyRing(shop.services.pool).has_present("customer-17850")


@pytest.mark.parametrize("caught_up", [True, False])
async def test_an_open_order_counts_whether_or_not_the_read_model_knows_it(
    shop: SealedShop, caught_up: bool
) -> None:
    await ended_order(shop)
    await shop.runner().catch_up()
    await shop.place("A2")
    if caught_up:
        await shop.runner().catch_up()
    with pytest.raises(RuleBroken, match="A2"):
        await erase(shop)


async def test_an_order_that_comes_while_erasing_stops_it(shop: SealedShop) -> None:
    await ended_order(shop)

    async def another_order(_seconds: float) -> None:
        await shop.place("A2")

    eraser = Eraser(shop.services, "cli:jo", pause=another_order)
    with pytest.raises(RuleBroken, match="A2"):
        await eraser.erase_customer(CUSTOMER, "asked by letter")
    assert await KeyRing(shop.services.pool).has_present("customer-17850")
    assert (await shop.order("A1")).address == MOVED
    assert await shop.services.log.read_stream("customer-17850") == []


async def test_an_unknown_customer_is_refused(shop: SealedShop) -> None:
    with pytest.raises(NotFound, match="customer '99'"):
        await erase(shop, "99")


async def test_a_guest_is_erased_by_the_order(shop: SealedShop) -> None:
    await ended_order(shop, "G1", None)
    await ended_order(shop, "G2", None)
    eraser = Eraser(shop.services, "cli:jo", quiet_s=0)
    done = await eraser.erase_guest(OrderId("G1"), "asked")
    assert (done.subject, done.keys_destroyed) == ("order-G1", 1)
    assert [e.event_type for e in await shop.services.log.read_stream("guest-G1")] == [
        "CustomerErased"
    ]
    assert await KeyRing(shop.services.pool).has_present("order-G2")


async def test_the_order_of_a_customer_is_no_guests(shop: SealedShop) -> None:
    await ended_order(shop)
    with pytest.raises(Refused, match="erase customer 17850"):
        await Eraser(shop.services, "cli:jo", quiet_s=0).erase_guest(OrderId("A1"), "asked")


# --- what was stored in plain text ---------------------------------------------------------------


async def test_plain_events_of_before_stay_readable(database: str, master_key: str) -> None:
    async with sealed_shop(database, master_key, encrypt_personal_data=False) as before:
        await before.place("A1")
    async with sealed_shop(database, master_key) as shop:
        assert (await shop.order("A1")).address == HIDDEN
        await shop.move("A1")
        assert (await shop.order("A1")).address == MOVED


async def test_what_was_sealed_stays_readable_without_sealing(
    shop: SealedShop, database: str, master_key: str
) -> None:
    await ended_order(shop)
    async with sealed_shop(database, master_key, encrypt_personal_data=False) as later:
        assert (await later.order("A1")).address == MOVED


async def test_plain_data_is_not_said_to_be_erased(database: str, master_key: str) -> None:
    async with sealed_shop(database, master_key, encrypt_personal_data=False) as before:
        await ended_order(before)
    async with sealed_shop(database, master_key) as shop:
        with pytest.raises(Refused, match="plain text"):
            await erase(shop)
        await ended_order(shop, "A2")
        done = await erase(shop)
        assert (done.keys_destroyed, done.plain_events) == (1, 3)


async def test_archived_events_of_an_erased_customer_are_unreadable_too(
    shop: SealedShop, database: str, master_key: str
) -> None:
    await ended_order(shop)
    archive = Archive(shop.services.pool)
    assert (await archive.archive(["order-A1"], "a test")).events > 0
    assert (await shop.order("A1")).address == MOVED  # the control: read from the archive
    await shop.runner().catch_up()
    assert (await erase(shop)).order_ids == [OrderId("A1")]
    async with sealed_shop(database, master_key) as another_process:
        order = await another_process.order("A1")
    assert (order.submitted_address, order.address) == (ERASED, ERASED)
    assert leaked(await shop.tables()) == []
    assert await archive.living(["order-A1"]) == {}
