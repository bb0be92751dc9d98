"""The same calls from Python, TypeScript and Temporal's command line get the same answers."""

from typing import Any

import pytest
from ordersaga_client import OrderSagaClient

from tests.support.clients.scenario import (
    ORDERS,
    ByTemporal,
    by_python,
    by_typescript,
    comparable,
    steps,
)
from tests.support.stack.stack import Up

pytestmark = [
    pytest.mark.system,  # it needs Node.js and the client that `make typescript` builds
    pytest.mark.timeout(900),
]
ACCEPTED = {"accepted": True}
CANCELLED = {
    "order_id": "NAME-waits",
    "outcome": "cancelled",
    "reason": "customer_request",
    "detail": "the customer called",
    "payment_reference": False,
    "tracking_number": False,
}


def completed(order_id: str) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "outcome": "completed",
        "reason": None,
        "detail": "",
        "payment_reference": True,
        "tracking_number": True,
    }


def placed(order_id: str, *, created: bool) -> dict[str, Any]:
    return {"order_id": order_id, "created": created}


def expected() -> list[Any]:
    """What is answered; of errors only the code."""
    ids = [f"NAME-{number}" for number in range(ORDERS)]
    return [
        [placed(order_id, created=True) for order_id in ids],
        [completed(order_id) for order_id in ids],
        placed("NAME-0", created=False),
        "order_conflict",
        "invalid_document",
        placed("NAME-waits", created=True),
        "awaiting_stock",
        ACCEPTED,
        "not_possible_now",
        *(ACCEPTED, ACCEPTED, ACCEPTED),
        CANCELLED,
        placed("NAME-pays", created=True),
        "awaiting_payment",
        ACCEPTED,
        completed("NAME-pays"),
        "saga_unknown",
    ]


def without(names: set[str], answer: Any) -> Any:
    return (
        {name: each for name, each in answer.items() if name not in names}
        if isinstance(answer, dict)
        else answer
    )


def code_or_answer(answer: Any) -> Any:
    return answer["error"] if isinstance(answer, dict) and "error" in answer else answer


async def test_the_same_calls_get_the_same_answers_from_every_client(running_stack: Up) -> None:
    for name in ("same-py", "same-ts", "same-cli"):
        await running_stack.receive(name, 2 * ORDERS + 2, f"delivery {name}")
    sagas = await OrderSagaClient.connect(running_stack.state().temporal_address)
    python = comparable("same-py", await by_python(sagas, steps("same-py")))
    typescript = comparable("same-ts", await by_typescript(running_stack, steps("same-ts")))
    temporal = comparable("same-cli", await ByTemporal(running_stack).run(steps("same-cli")))

    assert [code_or_answer(answer) for answer in python] == expected()
    conflict, invalid = python[3], python[4]
    assert conflict["fields"] == ["customer_id"]
    assert [each["field"] for each in invalid["details"]] == ["currency", "placed_at"]
    assert typescript == python
    of_clients_only = {"fields", "details"}
    assert temporal == [without(of_clients_only, answer) for answer in python]
