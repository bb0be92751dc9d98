"""A session is a token in a cookie of the console; a form is one of our own pages or refused."""

from itertools import count
from typing import Any

import pytest

from ordersaga.access.roles import Role
from ordersaga.api.callers import CACHED_FOR_S
from ordersaga.console.sessions import SESSION
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop
from tests.support.stack.stack import until

NOTE = "/orders/done/notes"


async def test_a_token_signs_in_and_the_cookie_is_for_the_console_alone(shop: ApiShop) -> None:
    nobody = Reader(shop, "")
    token = shop.tokens[Role.SUPPORT]
    reply = await nobody.post("/sign-in", {"token": token, "next": "/orders?status=completed"})
    assert (reply.status, reply.headers["Location"]) == (303, "/console/orders?status=completed")
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(f"{SESSION}={token}")
    for part in ("HttpOnly", "Path=/console", "SameSite=lax"):
        assert part in cookie


@pytest.mark.parametrize("token", ["", "nonsense", "ost_0123456789abcdef_" + "x" * 43, "x" * 5000])
async def test_anything_else_does_not_sign_in(shop: ApiShop, token: str) -> None:
    reply = await Reader(shop, "").post("/sign-in", {"token": token})
    assert reply.status == 401
    assert "Set-Cookie" not in reply.headers
    assert "not accepted" in reply.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "x"]
)
async def test_signing_in_leads_to_our_own_pages_only(shop: ApiShop, target: str) -> None:
    fields = {"token": shop.tokens[Role.SUPPORT], "next": target}
    reply = await Reader(shop, "").post("/sign-in", fields)
    assert reply.headers["Location"] == "/console/"


async def test_without_a_session_a_page_asks_to_sign_in_and_comes_back(shop: ApiShop) -> None:
    reply = await Reader(shop, "").get("/orders?status=completed")
    assert reply.status == 303
    assert reply.headers["Location"] == "/console/sign-in?next=%2Forders%3Fstatus%3Dcompleted"


async def test_a_revoked_token_ends_its_session(shop: ApiShop) -> None:
    token = await shop.new_token(Role.OPERATOR)
    reader = Reader(shop, token)
    assert (await reader.get("/orders")).status == 200
    await shop.revoke(token)

    async def is_out() -> bool:
        return (await reader.get("/orders")).status == 303

    await until(is_out, timeout_s=CACHED_FOR_S * 6)
    assert (await reader.get("/inbox")).status == 303


async def test_the_cookie_does_nothing_at_the_api(shop: ApiShop) -> None:
    cookie = {"Cookie": f"{SESSION}={shop.tokens[Role.ADMIN]}"}
    async with shop.http.get(f"{shop.url}/orders", headers=cookie) as answer:
        assert answer.status == 401


async def test_a_form_of_another_site_is_refused(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        reply = await reader.post(NOTE, {"text": "x", "csrf": "x", "key": "k"}, **headers)
        assert reply.status == 400
        assert "another site" in reply.text


@pytest.mark.parametrize("mark", ["", "x", "0011.aa", "é.é"])
async def test_a_form_without_the_mark_of_the_session_is_refused(shop: ApiShop, mark: str) -> None:
    reader = Reader.of(shop, Role.ADMIN)
    reply = await reader.post(NOTE, {"text": "x", "csrf": mark, "key": "k"})
    assert reply.status == 400
    assert "of another session" in reply.text


async def test_the_mark_of_one_session_does_not_fit_another(shop: ApiShop) -> None:
    page = (await Reader.of(shop, Role.ADMIN).get("/orders/done")).text
    mark = page.partition('name="csrf" value="')[2].partition('"')[0]
    reply = await Reader.of(shop, Role.OPERATOR).post(NOTE, {"text": "x", "csrf": mark, "key": "k"})
    assert reply.status == 400


async def test_a_note_is_kept_once_for_its_form_with_its_author(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.FINANCE)
    page = (await reader.get("/orders/done")).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    fields = {"text": "paid twice by bank?", "csrf": csrf, "key": "abc123"}
    for _ in range(2):
        reply = await reader.post(NOTE, fields)
        assert reply.headers["Location"] == "/console/orders/done?done=note%3Adone"
    story = (await shop.get("/orders/done?expand=story")).json["story"]
    notes = [each for each in story if each["event_type"] == "NoteAdded"]
    assert [(each["actor"], each["what"]) for each in notes] == [
        ("finance:test-finance", "finance:test-finance noted: paid twice by bank?")
    ]


async def test_an_act_without_temporal_keeps_what_was_entered(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.OPERATOR)
    act = "/orders/busy/act/hold"
    reply = await reader.send(act, act, reason="fraud check")
    assert reply.status == 503
    assert "fraud check" in reply.text
    assert "does not answer" in reply.text


async def test_an_act_without_a_reason_names_the_field(shop: ApiShop) -> None:
    act = "/orders/busy/act/hold"
    reply = await Reader.of(shop, Role.OPERATOR).send(act, act, reason="")
    assert reply.status == 422
    assert "reason" in reply.text


async def test_a_role_without_the_right_does_not_get_the_form(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.FINANCE)
    assert (await reader.get("/orders/busy/act/cancel")).status == 403
    last = (await shop.get("/audit/refusals?limit=1")).json["items"][0]
    assert (last["actor"], last["operation"]) == ("finance:test-finance", "cancel_order")


async def test_a_notification_is_sent_again_by_who_may(shop: ApiShop) -> None:
    await shop.project()
    waiting = (await shop.get("/notifications?state=waiting&limit=1")).json["items"][0]
    page, to = "/notifications", "/notifications/resend"
    reply = await Reader.of(shop, Role.OPERATOR).send(page, to, id=waiting["id"])
    assert reply.headers["Location"] == "/console/notifications?state=waiting"
    again = (await shop.get("/notifications?state=waiting&limit=500")).json["items"]
    (sent,) = (each for each in again if each["id"] == waiting["id"])
    assert sent["due_at"] > waiting["due_at"]
    assert (await Reader.of(shop, Role.SUPPORT).get(page)).status == 403
    body = {"ids": [waiting["id"]]}
    assert (await shop.post("/notifications/resend", body, role=Role.SUPPORT)).status == 403
    assert (await shop.post("/notifications/resend", {"ids": ["x"]})).status == 422


async def test_an_act_on_many_orders_needs_some_that_are_chosen(shop: ApiShop) -> None:
    reader, keys = Reader.of(shop, Role.OPERATOR), count(1)

    async def sent(**fields: Any) -> int:
        key = f"many{next(keys)}"
        fields = {"act": "hold", "reason": "outage", "key": key, "scope": "chosen", **fields}
        return (await reader.send("/orders", "/jobs", **fields)).status

    every = {"scope": "all"}
    assert await sent() == 422
    assert await sent(act="amend", order=["busy"]) == 422
    assert await sent(order=["no/order"]) == 422
    assert await sent(**every, filter="") == 422
    assert await sent(**every, filter="needs_attention=false") == 422
    assert await sent(**every, filter="stautus=completed") == 422
    assert await sent(**every, filter="status=lunch") == 422
    assert await sent(**every, filter="customer=nobody-at-all") == 422
    # The selection is taken, and Temporal does not answer.
    assert await sent(order=["busy"]) == 503
    assert await sent(**every, filter="status=completed") == 503


async def test_an_act_on_many_orders_needs_the_right_to_it(shop: ApiShop) -> None:
    fields = {"reason": "outage", "key": "k5", "scope": "chosen", "order": ["busy"]}
    finance = Reader.of(shop, Role.FINANCE)
    assert (await finance.send("/orders", "/jobs", act="hold", **fields)).status == 403
    support = Reader.of(shop, Role.SUPPORT)
    assert (await support.send("/orders", "/jobs", act="retry", **fields)).status == 403
    last = (await shop.get("/audit/refusals?limit=1")).json["items"][0]
    assert (last["actor"], last["operation"]) == ("support:test-support", "retry_order")
