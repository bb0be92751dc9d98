"""Nothing reaches a workflow but through the one function that reads inputs."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from temporalio import workflow
from temporalio.common import RawValue

from tests.support.repository.source_tree import ROOT, files
from workers.factory import WORKFLOWS
from workflows.documents.messages import NO_INPUT


def handlers(definition: Any) -> Iterator[tuple[str, Any]]:
    """Each handler of a workflow with the types of its arguments, as Temporal sees them."""
    for kind in ("signals", "updates", "queries"):
        for name, handler in getattr(definition, kind).items():
            if name is not None:  # the handler of all other names gets raw inputs, if any
                yield f"{kind}: {name}", handler.arg_types
    yield "run", definition.arg_types


def decoded(definition: Any) -> list[str]:
    """The handlers whose input Temporal would decode: a wrong one could fail the workflow task."""
    return [name for name, types in handlers(definition) if types != [RawValue]]


def _definition(cls: type) -> Any:
    return workflow._Definition.must_from_class(cls)


@pytest.mark.parametrize("cls", WORKFLOWS, ids=lambda cls: cls.__name__)
def test_every_handler_takes_its_input_unread(cls: type) -> None:
    definition = _definition(cls)
    assert len(list(handlers(definition))) > 3
    assert decoded(definition) == []


@pytest.mark.parametrize("cls", WORKFLOWS, ids=lambda cls: cls.__name__)
def test_every_handler_can_be_called_without_input(cls: type) -> None:
    definition = _definition(cls)
    functions: list[Callable[..., Any]] = [definition.run_fn]
    for kind in ("signals", "updates", "queries"):
        named = getattr(definition, kind).items()
        functions += [handler.fn for name, handler in named if name is not None]
    for function in functions:
        _self, raw = inspect.signature(function).parameters.values()
        assert raw.default is NO_INPUT


@workflow.defn(sandboxed=False)
class Typed:
    @workflow.run
    async def run(self, raw: RawValue = NO_INPUT) -> None:
        """Takes raw input."""

    @workflow.signal
    def told(self, at: str) -> None:
        """Takes text that Temporal decodes."""

    @workflow.query
    def asked(self, *inputs: Any) -> None:
        """Takes whatever Temporal decodes."""


def test_a_handler_with_a_typed_input_would_be_found() -> None:
    assert decoded(_definition(Typed)) == ["signals: told", "queries: asked"]


def test_raw_inputs_are_read_in_one_place() -> None:
    reads = re.compile(r"\.payload\b|from_json|json\.loads|model_validate")
    where = {
        path.relative_to(ROOT).as_posix()
        for path in files(".py", under="workflows")
        if reads.search(path.read_text(encoding="utf-8"))
    }
    results_of_activities = "workflows/common/answers.py"
    assert where == {
        "workflows/documents/messages.py",
        "workflows/documents/validation.py",
        results_of_activities,
    }
