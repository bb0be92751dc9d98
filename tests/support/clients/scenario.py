"""One course of calls that every client makes alike: steps as JSON in, answers as JSON out.

A step is a verb with its arguments. An answer is what the workflow said, or the error with its code
and text.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from ordersaga_client import InvalidDocument, OrderConflict, OrderSagaClient, OrderSagaError, batch

from domain.faults import BY_TYPE
from tests.support.repository.source_tree import ROOT
from tests.support.stack.stack import Ended, Up, order_document, run_program, until

Step = Sequence[Any]
Answer = dict[str, Any]

ORDERS: Final = 20
PROGRAM: Final = ROOT / "tests" / "support" / "clients" / "scenario.mjs"
_REFUSED: Final = re.compile(
    r"Error: unable to update workflow: (?P<message>.*) \(type: (?P<type>\w+), retryable: false\)"
)
_UNKNOWN: Final = re.compile(r"workflow not found for ID: order-(\S+)")
_BY: Final = {"actor": "anna", "reason": "the customer called"}


def _document(order_id: str, sku: str, **changes: Any) -> dict[str, Any]:
    line = {"sku": sku, "description": "LANTERN", "quantity": 2, "unit_price_minor": 339}
    return order_document(order_id, **{"lines": [line], **changes})


def steps(name: str) -> list[Step]:
    """Place 20, duplicate, conflict, bad document, hold, resume, amend, cancel, pay.

    `name` stands in every id, and the SKU of that name must have `2 * ORDERS + 2` pieces.
    """
    orders = [_document(f"{name}-{number}", name) for number in range(ORDERS)]
    first, waits, pays = orders[0], f"{name}-waits", f"{name}-pays"
    decline = {"token": "tok_declined", "on_decline": {"policy": "ask"}}
    return [
        ("place_all", orders),
        ("result_all", [order["order_id"] for order in orders]),
        ("place", {**first, "metadata": {}}),
        ("place", {**first, "customer_id": "666"}),
        ("place", _document(f"{name}-bad", name, currency="pounds", placed_at="yesterday")),
        ("place", _document(waits, f"{name}-none", unavailable={"policy": "wait"})),
        ("until", waits, "awaiting_stock"),
        ("hold", waits, _BY),
        ("hold", waits, _BY),
        ("resume", waits, _BY),
        ("amend", waits, {"1": 1}, _BY),
        ("cancel", waits, _BY),
        ("result", waits),
        ("place", _document(pays, name, payment=decline)),
        ("until", pays, "awaiting_payment"),
        ("pay", pays, "tok_visa", _BY),
        ("result", pays),
        ("status", f"{name}-nobody"),
    ]


def comparable(name: str, answers: Sequence[Any]) -> Any:
    """Answers without the name of the run and what providers number."""
    text = json.dumps(answers).replace(name, "NAME")
    return json.loads(text, object_hook=_without_numbers)


def _without_numbers(answer: Answer) -> Answer:
    numbers = {"payment_reference", "tracking_number"} & answer.keys()
    return {**answer, **{number: answer[number] is not None for number in numbers}}


async def by_python(sagas: OrderSagaClient, course: Sequence[Step]) -> list[Any]:
    """The course by the Python client."""

    async def until_step(order_id: str, step: str) -> str:
        async def reached() -> bool:
            return (await sagas.status(order_id)).step == step

        await until(reached)
        return step

    async def told(call: Awaitable[Any]) -> Any:
        try:
            return _python_answer(await call)
        except OrderSagaError as error:
            return _python_answer(error)

    async def all_of(calls: Sequence[Awaitable[Any]]) -> list[Any]:
        return [_python_answer(answer) for answer in await batch(calls)]

    verbs: Mapping[str, Callable[..., Awaitable[Any]]] = {
        "place": sagas.place,
        "place_all": lambda documents: all_of([sagas.place(each) for each in documents]),
        "result": sagas.result,
        "result_all": lambda ids: all_of([sagas.result(each) for each in ids]),
        "status": sagas.status,
        "until": until_step,
        "hold": lambda order_id, by: sagas.hold(order_id, **by),
        "resume": lambda order_id, by: sagas.resume(order_id, **by),
        "amend": lambda order_id, pieces, by: sagas.amend(order_id, pieces, **by),
        "cancel": lambda order_id, by: sagas.cancel(order_id, **by),
        "pay": lambda order_id, token, by: sagas.pay(order_id, token, **by),
    }
    return [await told(verbs[verb](*arguments)) for verb, *arguments in course]


def _python_answer(answer: Any) -> Any:
    if isinstance(answer, OrderSagaError):
        error: Answer = {"error": answer.code, "message": str(answer)}
        if isinstance(answer, OrderConflict):
            error["fields"] = list(answer.fields)
        if isinstance(answer, InvalidDocument):
            error["details"] = list(answer.details)
        return error
    return answer.model_dump(exclude_unset=True) if hasattr(answer, "model_dump") else answer


async def by_typescript(stack: Up, course: Sequence[Step]) -> list[Any]:
    """The course by the TypeScript client, which must be built."""
    told = json.dumps({"address": stack.state().temporal_address, "steps": course})
    ended = await run_program("node", str(PROGRAM), told, env=stack.env)
    answers: list[Any] = ended.json()
    return answers


class ByTemporal:
    """The course by Temporal's command line: no client of ours takes part."""

    def __init__(self, stack: Up) -> None:
        self._stack = stack
        self._room = asyncio.Semaphore(2)

    async def run(self, course: Sequence[Step]) -> list[Any]:
        """Every step, one after the other."""
        return [await getattr(self, verb)(*arguments) for verb, *arguments in course]

    async def place(self, document: Answer) -> Answer:
        """As docs/order-document.md says."""
        text = json.dumps(document)
        return await self._answer(
            *("workflow", "execute-update-with-start", "--type", "OrderFulfillment"),
            *("--task-queue", "orders", "--workflow-id", f"order-{document['order_id']}"),
            *("--id-conflict-policy", "UseExisting", "--id-reuse-policy", "AllowDuplicate"),
            *("--input", text, "--update-name", "place", "--update-input", text),
        )

    async def place_all(self, documents: Sequence[Answer]) -> list[Answer]:
        return list(await asyncio.gather(*map(self.place, documents)))

    async def result(self, order_id: str) -> Answer:
        return await self._answer("workflow", "result", "-w", f"order-{order_id}")

    async def result_all(self, order_ids: Sequence[str]) -> list[Answer]:
        return list(await asyncio.gather(*map(self.result, order_ids)))

    async def status(self, order_id: str) -> Answer:
        return await self._answer(
            "workflow", "query", "-w", f"order-{order_id}", "--type", "status"
        )

    async def until(self, order_id: str, step: str) -> str:
        async def reached() -> bool:
            return bool((await self.status(order_id)).get("step") == step)

        await until(reached)
        return step

    async def hold(self, order_id: str, by: Answer) -> Answer:
        return await self._update(order_id, "hold", by)

    async def resume(self, order_id: str, by: Answer) -> Answer:
        return await self._update(order_id, "resume", by)

    async def amend(self, order_id: str, pieces: Mapping[str, int], by: Answer) -> Answer:
        lines = [{"line_id": line, "quantity": quantity} for line, quantity in pieces.items()]
        return await self._update(order_id, "amend", {**by, "lines": lines})

    async def cancel(self, order_id: str, by: Answer) -> Answer:
        return await self._update(order_id, "cancel", {**by, "requested_by": "customer"})

    async def pay(self, order_id: str, token: str, by: Answer) -> Answer:
        return await self._update(order_id, "pay", {**by, "token": token})

    async def _update(self, order_id: str, name: str, message: Answer) -> Answer:
        return await self._answer(
            *("workflow", "update", "execute", "-w", f"order-{order_id}"),
            *("--name", name, "--input", json.dumps(message)),
        )

    async def _answer(self, *command: str) -> Answer:
        async with self._room:
            return _temporal_answer(await self._stack.temporal(*command, "-o", "json"))


def _temporal_answer(ended: Ended) -> Answer:
    if ended.code == 0:
        told = ended.json()
        answer: Answer = told.get("updateResult") or told.get("result") or told["queryResult"][0]
        return answer
    if refused := _REFUSED.fullmatch(ended.err.strip()):
        return {"error": BY_TYPE[refused["type"]].code, "message": refused["message"]}
    unknown = _UNKNOWN.search(ended.err)
    assert unknown, ended.err
    return {"error": "saga_unknown", "message": f"Temporal has no order {unknown[1]}"}
