"""The published API of a whole stack, with a token of every role and orders in several states."""

from typing import Any

import aiohttp

from ordersaga.access.roles import Role
from tests.support.api.published import Published
from tests.support.stack.stack import Up, order_document, until

_BODY = {"reason": "customer called"}


async def published_by(stack: Up) -> Published:
    """The API of a stack, which has completed, held, waiting and cancelled orders then."""
    url = stack.state().api_url
    tokens = {role: await _token(stack, role) for role in Role}
    await stack.receive("71053", 100, "for many requests")
    async with aiohttp.ClientSession(
        url, headers={"Authorization": f"Bearer {tokens[Role.ADMIN]}"}
    ) as http:
        order_ids = await _place_orders(http)
        async with http.get("/openapi.json") as answer:
            document = await answer.json()
    known = {"order_id": order_ids, "sku": ["71053"], "customer_id": ["17850"]}
    return Published(document, url, tokens, known)


async def _token(stack: Up, role: Role) -> str:
    made = (
        await stack.ordersaga("token", "create", f"random-{role}", "--role", role, "--json")
    ).json()
    return str(made["token"])


async def _place_orders(http: aiohttp.ClientSession) -> list[str]:
    lines = [{**order_document("x")["lines"][0], "sku": "never-there"}]
    terms = {"policy": "wait", "deadline_hours": 24, "default": "cancel"}
    waits = {"lines": lines, "unavailable": terms}
    await _post(http, "/orders", order_document("done"))
    for order_id in ("held", "waiting", "cancelled"):
        await _post(http, "/orders", order_document(order_id, **waits))
        await _reach(http, order_id, "backordered")
    await _post(http, "/orders/held/hold", _BODY)
    await _post(http, "/orders/cancelled/cancel", _BODY)
    await _reach(http, "cancelled", "cancelled")
    await _reach(http, "done", "completed")
    return ["done", "held", "waiting", "cancelled"]


async def _post(http: aiohttp.ClientSession, path: str, body: Any) -> None:
    key = f"set up {path} {body.get('order_id')}".replace(" ", "_")
    async with http.post(path, json=body, headers={"Idempotency-Key": key}) as answer:
        assert answer.status in (200, 201, 202), await answer.text()


async def _reach(http: aiohttp.ClientSession, order_id: str, status: str) -> None:
    async def has() -> bool:
        async with http.get(f"/orders/{order_id}") as answer:
            return bool((await answer.json())["status"] == status)

    await until(has)
