"""What OpenAPI says of each operation, and the route class that turns errors into problems."""

from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from ordersaga.api.failures import invalid, problem_of
from ordersaga.api.problems import MEDIA_TYPE, NOT_SHOWN_YET, PROBLEMS
from projections.paging import Page

KEY_HEADER: Final = "Idempotency-Key"
DRY_RUN: Final = "dry_run"
_NULL: Final = {"type": "null"}
_NOT_MODIFIED: Final = 304
PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
_READ: Final = (400, 401, 403, 404, 408, 413, 422, 429, 431, 500, 503, 504)
_WRITE: Final = (409, 412, *_READ)


class ProblemRoute(APIRoute):
    """A route whose errors are answered from the one list."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the operation."""
        handle = super().get_route_handler()
        parameters = {
            each.alias
            for dependant in (self.dependant, *self.dependant.dependencies)
            for each in dependant.query_params
        }

        async def answer(request: Request) -> Response:
            try:
                require_known(request.query_params.multi_items(), parameters)
                return await handle(request)
            except Exception as error:  # noqa: BLE001  whatever it is, the client gets an answer
                return problem_of(error).response()

        return answer


def require_known(query: Iterable[tuple[str, str]], parameters: Collection[str]) -> None:
    """Refuse a parameter that nobody reads: a filter with a slip in its name would find all.

    Raises:
        Problem: a parameter is unknown, or given twice.
    """
    seen: set[str] = set()
    for name, _ in query:
        if name not in parameters:
            shown = name if name.isidentifier() else "query"
            raise invalid(
                shown, f"is no parameter; known: {', '.join(sorted(parameters)) or 'none'}"
            )
        if name in seen:
            raise invalid(name, "is given twice")
        seen.add(name)


def answers(
    shape: Any, *, status: int = 200, writes: bool = False, more: dict[int, str] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The answers of an operation.

    Args:
        shape: the class of every good answer.
        status: of the usual good answer.
        writes: whether it changes something.
        more: further good answers by status.
    """
    documented: dict[int | str, dict[str, Any]] = {status: {"model": shape, "description": "Done."}}
    for code, text in (more or {}).items():
        documented[code] = {"description": text}
        if code != _NOT_MODIFIED:
            documented[code]["model"] = shape
    for code in _WRITE if writes else _READ:
        documented[code] = _problem_answer(code)
    return documented


def _problem_answer(status: int) -> dict[str, Any]:
    titles = "; ".join(f"`{x.code}`: {x.title}" for x in PROBLEMS if x.status == status)
    return {"description": titles, "content": {MEDIA_TYPE: {"schema": PROBLEM_REF}}}


def list_answers(row: type) -> dict[int | str, dict[str, Any]]:
    """The answers of a list: a page of such rows, or all of them as CSV."""
    documented = answers(Page[row])  # type: ignore[valid-type]  # a class as a value
    documented[200]["content"] = {"text/csv": {"schema": {"type": "string"}}}
    return documented | not_shown_yet()


def not_shown_yet() -> dict[int | str, dict[str, Any]]:
    """The answer of an operation that cannot show a position yet."""
    return {NOT_SHOWN_YET.status: _problem_answer(NOT_SHOWN_YET.status)}


def settle_parameters(document: dict[str, Any]) -> None:
    """Say of parameters what FastAPI does not know.

    Nobody can send a null: an optional one is absent, or what it is. The key of a write may be
    absent from a dry run only.
    """
    for operation in (each for path in document["paths"].values() for each in path.values()):
        parameters = {each["name"]: each for each in operation.get("parameters", ())}
        for parameter in parameters.values():
            schema = parameter["schema"]
            for option in schema.pop("anyOf", ()):
                schema.update(option if option != _NULL else {})
        if KEY_HEADER in parameters:
            parameters[KEY_HEADER]["required"] = DRY_RUN not in parameters


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
