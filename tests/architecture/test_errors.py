"""Every error that the product raises by a name is in the one list, and nothing else is."""

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import ordersaga_client
import pytest

from activities import failures
from activities.shipping.parcel import NO_PARCEL
from domain import faults
from domain.faults import BY_CODE, BY_TYPE, FAULTS, Fault, Where
from ordersaga.api import problems
from ordersaga.api.problems import PROBLEMS
from ordersaga.errors import OrderSagaError
from tests.support.repository.source_tree import ROOT, text_of
from workflows.common.operator_requests import NotPossibleNow
from workflows.documents.validation import FieldProblem, InvalidDocument

E = TypeVar("E", bound=Exception)
SOURCES = ("activities", "workflows", "workers", "ordersaga")
RAISED = {
    *failures.FINAL_TYPES,
    *failures.TROUBLES,
    NO_PARCEL,
    NotPossibleNow("why").type,
    InvalidDocument((FieldProblem("field", "is wrong"),)).type,
}
"""The types of all failures: what the saga takes for an answer, for a trouble, and refusals."""
NAMES = {
    *(
        name
        for name, value in vars(failures).items()
        if isinstance(value, str) and value in BY_TYPE
    ),
    "NO_PARCEL",
}
"""Constants that hold a type."""
FROM_ANOTHER_FAILURE = {"kind", "name", "type_"}
"""Variables that hold the type of another failure, or one of the constants."""


def types_in(source: str) -> Iterator[ast.expr]:
    """What stands for the type of each failure that this source makes."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("ApplicationError"):
            yield from (each.value for each in call.keywords if each.arg == "type")
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("final_failure"):
            yield call.args[0]


def unlisted(source: str) -> list[str]:
    """The types that are not taken from the list."""
    found = [ast.unparse(each) for each in types_in(source)]
    allowed = NAMES | FROM_ANOTHER_FAILURE
    return [
        text
        for text in found
        if text.rpartition(".")[2] not in allowed
        and text not in ("reason.value", "faults.NOT_POSSIBLE.type")
    ]


def files() -> Iterator[Path]:
    for folder in SOURCES:
        yield from (ROOT / folder).rglob("*.py")


def test_every_failure_gets_its_type_from_the_list() -> None:
    found = {str(path): unlisted(path.read_text(encoding="utf-8")) for path in files()}
    assert {path: types for path, types in found.items() if types} == {}
    assert any(list(types_in(path.read_text(encoding="utf-8"))) for path in files())


@pytest.mark.parametrize(
    "source",
    [
        'raise ApplicationError("no", type="Invented")',
        "raise final_failure('invented', 'no')",
        'raise exceptions.ApplicationError("no", type=INVENTED)',
    ],
)
def test_a_type_of_its_own_is_found(source: str) -> None:
    assert unlisted(source)


def test_the_list_has_the_types_of_all_failures_and_no_others() -> None:
    assert set(BY_TYPE) == RAISED


def test_the_list_has_the_errors_of_the_api_and_no_others() -> None:
    listed = {fault.code for fault in FAULTS if Where.API in fault.where}
    assert {problem.code for problem in PROBLEMS} == listed
    made = {x.code for x in vars(problems).values() if isinstance(x, problems.ProblemType)}
    assert made == listed  # one that is made and not in the list could be sent


def test_every_error_of_the_command_line_is_listed_as_one() -> None:
    kinds = _subclasses(OrderSagaError)
    assert {kind.fault.code for kind in kinds if Where.COMMAND not in kind.fault.where} == set()
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "ordersaga").rglob("*.py")
    )
    listed = {name: x for name, x in vars(faults).items() if isinstance(x, Fault)}
    commands = {name for name, x in listed.items() if Where.COMMAND in x.where}
    assert {name for name in commands if f"faults.{name}" not in sources} == set()


def test_the_errors_of_the_clients_are_listed_and_have_the_names_of_their_codes() -> None:
    kinds = _subclasses(ordersaga_client.OrderSagaError)
    codes = {kind.__name__: kind.code for kind in kinds}
    assert {codes.pop(name) for name in ("OrderSagaError", "RunFailed")} == {"refused"}
    assert {name: camel(code) for name, code in codes.items()} == {name: name for name in codes}
    assert {"refused", *codes.values()} <= BY_CODE.keys() & problems.BY_CODE.keys()
    typescript = text_of(ROOT / "clients" / "typescript" / "src" / "errors.ts")
    classes = r'class (\w+) extends OrderSagaError \{\s+override readonly code = "(\w+)"'
    assert dict(re.findall(classes, typescript)) == codes
    page = text_of(ROOT / "docs" / "clients.md")
    assert [name for name in codes if f"`{name}`" not in page] == []


def camel(code: str) -> str:
    return "".join(part.capitalize() for part in code.split("_"))


def test_a_code_is_one_name_and_a_class_name_is_that_code() -> None:
    codes = [fault.code for fault in FAULTS]
    assert len(codes) == len(set(codes)) == len({fault.meaning for fault in FAULTS})
    for fault in FAULTS:
        assert fault.type in (None, fault.code, camel(fault.code))


def test_wrong_fields_stand_in_the_details_of_the_failure() -> None:
    refused = InvalidDocument((FieldProblem("lines.0.sku", "is missing", "missing"),) * 30)
    assert refused.details[0] == {
        "field": "lines.0.sku",
        "rule": "missing",
        "message": "is missing",
    }
    assert len(refused.details) == 20
    assert str(refused).startswith("lines.0.sku: is missing; ")


def test_the_published_list_is_the_one_in_the_program() -> None:
    pages = runpy.run_path(str(ROOT / "scripts" / "write_api_docs.py"))["PAGES"]
    published = {path.name for path in pages}
    assert {"errors.md", "errors.json"} <= published


def _subclasses(kind: type[E]) -> set[type[E]]:
    found = {kind}
    for each in kind.__subclasses__():
        found |= _subclasses(each)
    return found
