"""Every operation with every role: the table of rights says what happens, and nothing else does."""

import re

import pytest

from ordersaga.access.roles import Access, Area, Role, Scope
from ordersaga.api.app import build_app, operations
from ordersaga.api.rights import RIGHTS
from tests.support.api.shop import ApiShop

OPERATIONS = operations()


def path_of(operation: str) -> str:
    path = re.sub(r"\{\w+\}", "none", OPERATIONS[operation].path)
    return f"{path}?lasts_s=1" if operation == "stream_changes" else path


def method_of(operation: str) -> str:
    (method,) = OPERATIONS[operation].methods
    return method


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("operation", sorted(RIGHTS))
async def test_an_operation_is_for_the_roles_that_the_table_names(
    shop: ApiShop, operation: str, role: Role
) -> None:
    reply = await shop.ask(method_of(operation), path_of(operation), role=role)
    if role in RIGHTS[operation].roles:
        assert reply.status not in (401, 403, 500), reply.text
        return
    assert (reply.status, reply.code) == (403, "forbidden")
    assert "needs a token of the role" in reply.json["detail"]
    last = (await shop.get("/audit/refusals?limit=1")).json["items"][0]
    assert (last["actor"], last["operation"]) == (f"{role}:test-{role}", operation)


@pytest.mark.parametrize("operation", sorted(RIGHTS))
async def test_nothing_is_done_without_a_token(shop: ApiShop, operation: str) -> None:
    for token in ("", "ost_0123456789abcdef_" + "x" * 43, "nonsense"):
        url = f"{shop.url}{path_of(operation)}"
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        async with shop.http.request(method_of(operation), url, headers=sent) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert (await answer.json(content_type=None))["code"] == "unauthenticated"


@pytest.mark.parametrize("operation", sorted(RIGHTS))
async def test_a_scope_narrows_a_token(shop: ApiShop, operation: str) -> None:
    needed = RIGHTS[operation].scope
    other = Area.STOCK if needed.area is not Area.STOCK else Area.ORDERS
    write_elsewhere = await shop.new_token(Role.ADMIN, Scope(other, Access.WRITE))
    fitting = await shop.new_token(Role.ADMIN, needed)
    ask = (method_of(operation), path_of(operation))
    assert (await shop.ask(*ask, token=write_elsewhere)).code == "forbidden"
    assert (await shop.ask(*ask, token=fitting)).status not in (401, 403)


async def test_reading_rights_do_not_write(shop: ApiShop) -> None:
    reader = await shop.new_token(Role.ADMIN, Scope(Area.STOCK, Access.READ))
    body = {"quantity": 1, "reference": "r"}
    reply = await shop.post("/stock/S1/receive", body, token=reader)
    assert reply.code == "forbidden"
    assert (await shop.get("/stock/S1")).status == 404


async def test_a_revoked_and_an_expired_token_are_refused(shop: ApiShop) -> None:
    token = await shop.new_token(Role.ADMIN)
    await shop.revoke(token)
    assert (await shop.get("/stock", token=token)).status == 401


async def test_another_secret_with_a_token_s_id_is_refused(shop: ApiShop) -> None:
    prefix, token_id, secret = shop.tokens[Role.ADMIN].split("_", 2)
    forged = f"{prefix}_{token_id}_{'A' if secret[0] != 'A' else 'B'}{secret[1:]}"
    assert (await shop.get("/stock", token=forged)).status == 401


def test_an_operation_without_a_right_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {name: right for name, right in RIGHTS.items() if name != "get_order"}
    monkeypatch.setattr("ordersaga.api.app.RIGHTS", fewer)
    with pytest.raises(Exception, match="get_order"):
        build_app()
