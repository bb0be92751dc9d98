"""What a verification found about money is kept until the next one, and everybody sees its age."""

import asyncpg
import pytest

from ordersaga.access.roles import Role
from ordersaga.books.table import (
    FoundDifference,
    keep_comparison,
    last_comparison,
    list_differences,
)
from ordersaga.embedded.postgres import EmbeddedPostgres
from projections.errors import InvalidCursor
from tests.support.api.pages import Reader
from tests.support.api.shop import opened_api
from tests.support.stores.event_store import opened_operator_pool, opened_pool
from tests.support.stores.logins import as_only
from tests.support.stores.postgres import fresh_database
from tests.support.stores.read_models import append_events
from tests.unit.ordersaga.operations.verification.story import STORY

RULE = "provider_holds_completed_payment_once"
DONE = FoundDifference("done", "GBP", 1000, 250, RULE, "captured once", "captured 2.50 GBP")
NOBODY = FoundDifference("nobody", "EUR", 0, 7, "provider_knows_only_our_orders", "none", "0.07")
NOTHING = FoundDifference("gone", None, 0, 0, RULE, "a record", "fails")


async def test_what_differs_is_shown_by_day_until_the_next_comparison(
    postgres_server: EmbeddedPostgres,
) -> None:
    async with (
        fresh_database(postgres_server) as database,
        opened_api(database) as shop,
        opened_operator_pool(database, 2) as operator,
    ):
        await append_events(shop.services.log, *([item] for item in STORY))
        await shop.project()
        finance = Reader.of(shop, Role.FINANCE)
        assert "Nobody has compared the books yet" in (await finance.get("/money")).text
        never = (await shop.get("/payments/differences", role=Role.FINANCE)).json
        assert never == {"compared": None, "items": [], "next_cursor": None}

        await keep_comparison(operator, "sandbox", [DONE, NOBODY, NOTHING])
        first = (await shop.get("/payments/differences?limit=1")).json
        (nobody,) = first["items"]
        assert (nobody["order_id"], nobody["day"], nobody["theirs_minor"]) == ("nobody", None, 7)
        rest = await shop.get(f"/payments/differences?cursor={first['next_cursor']}")
        assert {each["order_id"] for each in rest.json["items"]} == {"done", "gone"}
        moved = (await shop.get("/payments/movements?order_id=done")).json["items"][-1]["at"]
        (done,) = [each for each in rest.json["items"] if each["order_id"] == "done"]
        assert (done["day"], done["ours_minor"]) == (moved[:10], 1000)
        assert (first["compared"]["provider"], first["compared"]["differences"]) == ("sandbox", 3)
        text = (await finance.get("/money")).text
        assert all(each in text for each in ("Compared with sandbox", "captured 2.50 GBP"))
        assert (await shop.get("/payments/differences", role=Role.SERVICE)).status == 403

        await keep_comparison(operator, "sandbox", [])
        text = (await finance.get("/money")).text
        assert "The books agree" in text
        assert "captured 2.50 GBP" not in text
        assert (await shop.get("/payments/differences")).json["items"] == []


async def test_who_may_not_verify_keeps_nothing(postgres_server: EmbeddedPostgres) -> None:
    async with fresh_database(postgres_server) as database, opened_api(database) as shop:
        async with opened_pool(await as_only(database, "reader")) as reader:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await keep_comparison(reader, "sandbox", [DONE])
            assert await last_comparison(reader) is None
            assert (await list_differences(reader)).items == ()
            with pytest.raises(InvalidCursor):
                await list_differences(reader, cursor="nonsense")
        assert (await shop.get("/payments/differences?cursor=nonsense")).status == 422
