"""What OpenAPI says of each operation, and the route class that turns errors into problems."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from ordersaga.api.failures import problem_of
from ordersaga.api.problems import MEDIA_TYPE, PROBLEMS

PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
_READ: Final = (401, 403, 404, 422, 429, 431, 500, 503, 504)
_WRITE: Final = (400, 408, 409, 412, 413, *_READ)


class ProblemRoute(APIRoute):
    """A route whose errors are answered from the one list."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the operation."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001  whatever it is, the client gets an answer
                return problem_of(error).response()

        return answer


def answers(
    shape: Any, *, status: int = 200, writes: bool = False, more: dict[int, str] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The answers of an operation.

    Args:
        shape: the class of the good answer.
        status: of the good answer.
        writes: whether it changes something.
        more: further answers by status.
    """
    documented: dict[int | str, dict[str, Any]] = {status: {"model": shape, "description": "Done."}}
    for code, text in (more or {}).items():
        documented[code] = {"description": text}
    for code in _WRITE if writes else _READ:
        titles = "; ".join(f"`{x.code}`: {x.title}" for x in PROBLEMS if x.status == code)
        content = {MEDIA_TYPE: {"schema": PROBLEM_REF}}
        documented[code] = {"description": titles, "content": content}
    return documented


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The body of an operation that reads it itself, so that one validator refuses it."""
    schema = _schema(model)
    schema.pop("$defs", None)
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def definitions_of(model: type[BaseModel]) -> dict[str, Any]:
    """The schemas that the body of an operation refers to."""
    parts = _schema(model).get("$defs", {})
    return {f"{model.__name__}.{name}": schema for name, schema in parts.items()}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    template = f"#/components/schemas/{model.__name__}.{{model}}"
    return model.model_json_schema(ref_template=template)
