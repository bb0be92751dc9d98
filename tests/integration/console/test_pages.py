"""Every page for everybody who may see it, and for nobody else; what none of them lets through."""

import re

import pytest

from ordersaga.access.roles import Access, Area, Role, Scope
from ordersaga.console.sessions import SESSION
from tests.support.api.pages import PAGES, Reader
from tests.support.api.shop import ApiShop
from tests.support.stack.stack import order_document

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|\bstyle=|<style|\bon[a-z]+=\"|javascript:", re.IGNORECASE
)
ADDRESS = "1 Example Street"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_whole_for_who_may_do_everything(shop: ApiShop, path: str) -> None:
    reply = await Reader.of(shop, Role.ADMIN).get(path)
    assert reply.status == 200, reply.text
    assert reply.text.rstrip().endswith("</html>")
    assert "behind the log" in reply.text or "up to date" in reply.text


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_needs_no_script_style_or_address_of_its_own(shop: ApiShop, path: str) -> None:
    reply = await Reader.of(shop, Role.ADMIN).get(path)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not INLINE.search(reply.text)
    links = re.findall(r'(?:href|src|action)="([^"]*)"', reply.text)
    assert [
        link for link in links if not link.startswith(("/console/", "#", "http://127.0.0.1"))
    ] == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", PAGES)
async def test_a_role_sees_a_page_or_is_told_why_not(shop: ApiShop, path: str, role: Role) -> None:
    reply = await Reader.of(shop, role).get(path)
    assert reply.status in (200, 403), reply.text
    if reply.status == 403:
        assert "needs a token of the role" in reply.text


async def test_a_page_that_a_role_may_not_see_is_not_in_its_navigation(shop: ApiShop) -> None:
    finance, admin = Reader.of(shop, Role.FINANCE), Reader.of(shop, Role.ADMIN)
    assert (await finance.get("/projections")).status == 403
    assert "/console/projections" not in (await finance.get("/orders")).text
    assert "/console/projections" in (await admin.get("/orders")).text


async def test_an_address_is_shown_only_to_roles_that_may_read_it(shop: ApiShop) -> None:
    for role in Role:
        text = (await Reader.of(shop, role).get("/orders/done")).text
        assert (ADDRESS in text) == (role is not Role.FINANCE), role


async def test_raw_events_show_nothing_personal(shop: ApiShop) -> None:
    text = (await Reader.of(shop, Role.ADMIN).get("/orders/done/events")).text
    assert "OrderSubmitted" in text
    assert ADDRESS not in text


async def test_a_scope_narrows_the_pages_of_a_token(shop: ApiShop) -> None:
    token = await shop.new_token(Role.OPERATOR, Scope(Area.STOCK, Access.READ))
    reader = Reader(shop, token)
    assert (await reader.get("/stock")).status == 200
    assert (await reader.get("/orders")).status == 403


async def test_what_a_shop_writes_is_text_and_nothing_else(shop: ApiShop) -> None:
    line = {"sku": "X1", "description": "<img src=x onerror=alert(1)>", "quantity": 1}
    document = order_document("marked", lines=[line | {"unit_price_minor": 100}])
    assert (await shop.post("/orders", document)).status == 201
    text = (await Reader.of(shop, Role.ADMIN).get("/orders/marked")).text
    assert "&lt;img src=x" in text
    assert "<img" not in text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/orders/nothing", 404, "nothing under this id"),
        ("/nothing", 404, "nothing under this id"),
        ("/orders?statsu=completed", 422, "is no parameter"),
        ("/orders?status=nonsense", 422, "fields are missing or wrong"),
        ("/orders?cursor=nonsense", 422, "cursor"),
        ("/orders/done/act/nonsense", 404, "nothing under this id"),
        ("/orders/done?position=1", 404, "nothing under this id"),
    ],
)
async def test_an_error_is_a_page_that_says_what_to_do(
    shop: ApiShop, path: str, status: int, says: str
) -> None:
    reply = await Reader.of(shop, Role.ADMIN).get(path)
    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("text/html")
    assert says in reply.text.lower()
    assert "What to do" in reply.text


async def test_a_wrong_field_of_a_form_is_named_above_it(shop: ApiShop) -> None:
    form = "/orders/done/returns/R1/act/refund_return"
    reader = Reader.of(shop, Role.ADMIN)
    wrong = await reader.send(form, form, refund="amount", amount="lots", reason="broken")
    assert (wrong.status, "<strong>amount</strong>" in wrong.text) == (422, True), wrong.text


async def test_fields_that_are_left_empty_filter_nothing(shop: ApiShop) -> None:
    text = (await Reader.of(shop, Role.ADMIN).get("/orders?status=&customer=&placed_from=")).text
    assert all(order_id in text for order_id in ("done", "gone", "busy"))


async def test_a_list_filters_by_money_and_says_what_a_filter_lacks(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    some = await reader.get("/orders?payment=captured&currency=GBP&total_from=0.01&total_until=999")
    assert "/console/orders/done" in some.text
    none = await reader.get("/orders?fulfilment=lost")
    assert "No order fits these conditions" in none.text
    for query, field in (("total_from=5", "currency"), ("currency=GBP&total_from=x", "total_from")):
        wrong = await reader.get(f"/orders?{query}")
        assert wrong.status == 422
        assert field in wrong.text


async def test_a_list_filters_by_product_and_is_sorted_by_total(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    text = (await reader.get("/orders?sku=10001&currency=GBP&sort=lowest_total")).text
    assert all(f"/console/orders/{order_id}" in text for order_id in ("done", "gone", "busy"))
    assert "/console/orders/draft" not in text  # it has no lines yet
    assert '<option value="lowest_total" selected>' in text
    assert "No order fits these conditions" in (await reader.get("/orders?sku=none")).text
    wrong = await reader.get("/orders?sort=lowest_total")
    assert (wrong.status, "is needed to sort by totals" in wrong.text) == (422, True)


async def test_a_list_filters_and_its_file_holds_the_same_orders(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    text = (await reader.get("/orders?status=cancelled")).text
    assert "/console/orders/gone" in text
    assert "/console/orders/done" not in text
    file = await reader.get("/orders.csv?status=cancelled")
    assert file.headers["Content-Type"].startswith("text/csv")
    rows = file.text.splitlines()
    assert (len(rows), rows[1].partition(",")[0]) == (2, "gone")


async def test_an_order_is_shown_as_it_was_after_one_of_its_events(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    story = (await shop.get("/orders/gone?expand=story")).json["story"]
    paid = next(each["position"] for each in story if each["event_type"] == "PaymentCaptured")
    then, now = (
        (await reader.get(f"/orders/gone?position={paid}")).text,
        await reader.get("/orders/gone"),
    )
    assert "As it was at" in then
    assert "PaymentRefunded" not in then
    assert "refund-1" not in then
    assert "refund-1" in now.text
    assert "Captured" in then


async def test_times_are_in_the_zone_of_the_reader(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    session = f"{SESSION}={shop.tokens[Role.ADMIN]}"
    assert "14:05:00 UTC" in (await reader.get("/orders")).text
    there = await reader.get("/orders", Cookie=f"{session}; ordersaga_zone=Asia/Tokyo")
    assert "23:05:00 JST" in there.text
    odd = await reader.get("/orders", Cookie=f"{session}; ordersaga_zone=../../etc/passwd")
    assert "14:05:00 UTC" in odd.text


async def test_the_first_page_of_the_site_leads_to_the_console(shop: ApiShop) -> None:
    async with shop.http.get(f"{shop.url}/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/console/")
