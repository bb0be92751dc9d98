"""Lists, search and expanding, as Stripe documents them."""

from typing import Any

import stripe

from tests.support.stack.stripe_rules import Server, body_of, documented, refused

LISTS = "/api/pagination"
SEARCH = "/search"


async def several(server: Server, number: int, **params: Any) -> list[str]:
    return [(await server.intent(**params)).id for _ in range(number)]


@documented(
    LISTS,
    "return objects in reverse chronological order",
    localstripe="lists the payments of one second in any order",
)
async def test_a_list_is_in_reverse_order(server: Server) -> None:
    made = await several(server, 4)
    listed = await server.client.payment_intents.list_async({"limit": 3})
    assert [intent.id for intent in listed.data] == made[:0:-1]
    assert listed.has_more


@documented(
    LISTS,
    "limit can range between 1 and 100, and the default is 10",
    localstripe="has no bounds",
)
async def test_a_page_has_ten_objects_and_at_most_a_hundred(server: Server) -> None:
    await several(server, 12)
    listed = await server.client.payment_intents.list_async()
    assert len(listed.data) == 10
    for wrong in (0, 101):
        error = await refused(server.client.payment_intents.list_async({"limit": wrong}))
        assert body_of(error)["param"] == "limit"


@documented(
    LISTS,
    "starting_after is an object ID that defines your place in the list",
    localstripe="lists the payments of one second in any order",
)
async def test_starting_after_gives_the_next_page(server: Server) -> None:
    made = await several(server, 5)
    listed = await server.client.payment_intents.list_async({"limit": 2, "starting_after": made[4]})
    assert [intent.id for intent in listed.data] == [made[3], made[2]]


@documented(
    LISTS,
    "ending_before … objects listed before the named object. These parameters are mutually"
    " exclusive",
    localstripe="ignores ending_before",
)
async def test_ending_before_gives_the_previous_page(server: Server) -> None:
    made = await several(server, 5)
    listing = server.client.payment_intents.list_async
    listed = await listing({"limit": 2, "ending_before": made[1]})
    assert [intent.id for intent in listed.data] == [made[3], made[2]]
    assert listed.has_more
    listed = await listing({"limit": 10, "ending_before": made[3]})
    assert ([intent.id for intent in listed.data], listed.has_more) == ([made[4]], False)
    error = await refused(listing({"ending_before": made[1], "starting_after": made[2]}))
    assert error.http_status == 400
    error = await refused(listing({"starting_after": "pi_unknown"}))
    assert (error.code, body_of(error)["param"]) == ("resource_missing", "starting_after")


@documented(
    "/api/payment_intents/list#list_payment_intents-created",
    "Only return PaymentIntents that were created during the given date interval",
    localstripe="ignores it",
)
async def test_a_list_can_be_of_a_span_of_time(server: Server) -> None:
    old = await server.intent()
    await server.control.advance(100)
    new = await server.intent()

    async def ids(created: Any) -> set[str]:
        listed = await server.client.payment_intents.list_async({"created": created, "limit": 100})
        return {intent.id for intent in listed.data} & {old.id, new.id}

    assert await ids({"gt": old.created}) == {new.id}
    assert await ids({"gte": old.created, "lt": new.created}) == {old.id}
    assert await ids({"gte": old.created, "lte": new.created}) == {old.id, new.id}
    assert await ids(new.created) == {new.id}


@documented(
    "/api/expanding_objects",
    "expand … the id of a charge into the charge; in lists from data. on; at most four levels deep",
    localstripe="expands less",
)
async def test_ids_are_expanded_on_request(server: Server) -> None:
    paid = await server.paid()
    assert str(paid.latest_charge).startswith("ch_")
    retrieve = server.client.payment_intents.retrieve_async
    found: Any = await retrieve(paid.id, {"expand": ["latest_charge.payment_intent"]})
    assert found.latest_charge.payment_intent.id == paid.id
    listed: Any = await server.client.payment_intents.list_async(
        {"limit": 1, "expand": ["data.latest_charge", "data.payment_method"]}
    )
    assert listed.data[0].latest_charge.object == "charge"
    assert listed.data[0].payment_method.card.last4 == "4242"
    for wrong in ("colour", "data.latest_charge"):
        error = await refused(retrieve(paid.id, {"expand": [wrong]}))
        assert "cannot be expanded" in str(error)


@documented(
    SEARCH,
    "Don't use search for read-after-write flows … data is searchable in under 1 minute",
    localstripe="has no search",
)
async def test_the_search_sees_changes_late(server: Server) -> None:
    paid = await server.held(metadata={"order_id": "late"})
    await server.control.advance(61)
    await server.client.payment_intents.cancel_async(paid.id)
    search = server.client.payment_intents.search_async
    (found,) = (await search({"query": "metadata['order_id']:'late'"})).data
    assert (found.id, found.status) == (paid.id, "requires_capture")
    await server.control.advance(61)
    (found,) = (await search({"query": "metadata['order_id']:'late'"})).data
    assert found.status == "canceled"
    young = await server.intent(metadata={"order_id": "young"})
    assert (await search({"query": "metadata['order_id']:'young'"})).data == []
    assert (await server.client.payment_intents.retrieve_async(young.id)).id == young.id


@documented(
    SEARCH,
    "search query language: field:value, metadata, comparisons, negation; AND or OR, not both",
    localstripe="has no search",
)
async def test_a_query_joins_clauses(server: Server) -> None:
    one = await server.paid(amount=1111, metadata={"order_id": "Q1", "it's": "x"})
    two = await server.intent(amount=2222, metadata={"order_id": "Q2"})
    await server.control.advance(61)

    async def ids(query: str) -> list[str]:
        found = await server.client.payment_intents.search_async({"query": query})
        return [intent.id for intent in found.data]

    assert await ids("metadata['order_id']:'Q1' OR metadata['order_id']:'Q2'") == [two.id, one.id]
    assert await ids("metadata['order_id']~'q' AND amount>1111") == [two.id]
    assert await ids("metadata['order_id']~'q' AND status:'succeeded'") == [one.id]
    assert await ids("metadata['order_id']~'Q' AND -status:'succeeded'") == [two.id]
    assert await ids(r"metadata['it\'s']:'x'") == [one.id]
    assert await ids("metadata['order_id']:'q1'") == [one.id]  # in any case of letters
    for wrong in ("colour:'red'", "amount:'x'", "status:'a' AND status:'b' OR status:'c'", "?"):
        error = await refused(server.client.payment_intents.search_async({"query": wrong}))
        assert body_of(error)["param"] == "query"


@documented(
    "/api/pagination/search",
    "cursor-based pagination via the page request parameter",
    localstripe="has no search",
)
async def test_a_search_has_pages(server: Server) -> None:
    made = await several(server, 5, metadata={"group": "pages"})
    await server.control.advance(61)
    listing = await server.client.payment_intents.search_async(
        {"query": "metadata['group']:'pages'", "limit": 2}
    )
    assert listing.has_more
    assert [intent.id async for intent in listing.auto_paging_iter()] == made[::-1]


@documented(SEARCH, "Search isn't available for merchants in India", localstripe="has no search")
async def test_an_account_may_have_no_search(server: Server) -> None:
    await server.control.settings(search="refused")
    error = await refused(server.client.payment_intents.search_async({"query": "status:'x'"}))
    assert isinstance(error, stripe.InvalidRequestError)
    await server.control.settings(search="on")


@documented("/api/balance", "retrieves the current account balance", localstripe="has no balance")
async def test_the_balance_is_what_was_captured_and_not_given_back(server: Server) -> None:
    async def available() -> int:
        balance = await server.client.balance.retrieve_async()
        return sum(each.amount for each in balance.available if each.currency == "eur")

    before = await available()
    paid = await server.paid(amount=900, currency="eur")
    await server.refund(paid.id, amount=200)
    held = await server.held(amount=500, currency="eur")
    await server.client.payment_intents.capture_async(held.id, {"amount_to_capture": 300})
    await server.held(amount=700, currency="eur")
    assert await available() == before + 900 - 200 + 300


@documented(
    "/api/accounts/retrieve", "retrieves the details of an account", localstripe="has no account"
)
async def test_an_account_says_who_it_is(server: Server) -> None:
    account = await server.client.accounts.retrieve_current_async()
    assert (account.object, account.charges_enabled) == ("account", True)
