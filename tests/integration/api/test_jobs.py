"""What a job may be asked for: whatever is wrong is refused before Temporal is asked."""

from typing import Any

import pytest

from ordersaga.access.roles import Role
from tests.support.api.shop import ApiShop, new_key

HOLD = {"act": "hold", "reason": "provider is down"}
BY_STATUS = {"filter": {"status": "completed"}}
NAMED = {"orders": ["A1", "A2"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "body"),
        ({**BY_STATUS, **NAMED}, "body"),
        ({"filter": {}}, "filter"),
        ({"filter": {"needs_attention": False}}, "filter"),
        ({"filter": {"stautus": "completed"}}, "filter.stautus"),
        ({"filter": {"status": "lunch"}}, "filter.status"),
        ({"filter": {"customer": "nobody-at-all"}}, "filter"),
        ({"orders": []}, "orders"),
        ({"orders": ["no/order"]}, "orders.0"),
        ({"orders": ["A1"] * 5_001}, "orders"),
        ({**NAMED, "act": "amend"}, "act"),
        ({**NAMED, "act": "choose"}, "body"),
        ({**NAMED, "choice": "wait"}, "body"),
        ({**NAMED, "goods": "lost"}, "body"),
        ({**NAMED, "requested_by": "customer"}, "body"),
        ({**NAMED, "reason": " "}, "reason"),
        ({**NAMED, "reason": "x" * 401}, "reason"),
        ({**NAMED, "per_second": 51}, "per_second"),
        ({**NAMED, "per_second": 0}, "per_second"),
        ({"orders": ["A1", "A1"]}, "orders"),
    ],
)
async def test_a_wrong_job_names_the_field(
    shop: ApiShop, changes: dict[str, Any], field: str
) -> None:
    reply = await shop.post("/jobs", {**HOLD, **changes})
    assert (reply.status, reply.code) == (422, "invalid_document"), reply.text
    assert reply.json["errors"][0]["field"] == field


async def test_the_control_a_right_job_needs_temporal(shop: ApiShop) -> None:
    key = new_key()
    for _ in range(2):  # an outage is never stored as an answer
        reply = await shop.post("/jobs", {**HOLD, **NAMED}, key=key)
        assert (reply.status, reply.json["repeat"]) == (503, True), reply.text


@pytest.mark.parametrize("act", ["hold", "resume", "retry", "cancel", "resolve"])
@pytest.mark.parametrize("role", Role)
async def test_who_may_do_it_to_one_order_may_do_it_to_many(
    shop: ApiShop, act: str, role: Role
) -> None:
    reason = {"note": "x"} if act == "resolve" else {"reason": "x"}
    one = await shop.post(f"/orders/none/{act}?dry_run=true", reason, role=role)
    many = await shop.post("/jobs", {"act": act, "reason": "x", **NAMED}, role=role)
    assert (many.status == 403) == (one.status == 403), (one.text, many.text)
    if many.status == 403:
        last = (await shop.get("/audit/refusals?limit=1")).json["items"][0]
        assert last["actor"] == f"{role}:test-{role}"
