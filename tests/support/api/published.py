"""Requests made at random from the published OpenAPI document, and what each answer must hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.specs.openapi import checks

from ordersaga.access.roles import Role
from ordersaga.api.app import operations
from ordersaga.api.problems import MEDIA_TYPE, PROBLEMS

ENDLESS: Final = "stream_changes"
TAKE_NOTHING: Final = ("get_notifications", "list_projections", "list_providers")
"""Nothing that is sent to them can be wrong."""
WITHIN_S: Final = 60

_STEPS: Final = 6
_CODES: Final = {each.code: each for each in PROBLEMS}
_WITHOUT_TEMPORAL: Final = "temporal_unavailable"


def _is_a_problem_of_the_list(_context: CheckContext, response: Response, _case: Case) -> None:
    """An error has its kind, its words and its status from the one list, and none is a bug."""
    if response.status_code < 400:
        return
    assert response.headers["content-type"] == [MEDIA_TYPE], response.headers
    body = response.json()
    kind = _CODES[body["code"]]
    assert response.status_code == body["status"] == kind.status
    assert (body["title"], body["repeat"]) == (kind.title, kind.repeat)
    assert response.status_code < 500 or body["code"] == _WITHOUT_TEMPORAL, body


CHECKS: Final = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    _is_a_problem_of_the_list,
]


@dataclass(frozen=True)
class Tries:
    """How many examples, and which: without a seed the same ones each time."""

    examples: int
    seed: int | None = None

    def of(self, attempt: Any) -> Any:
        """The attempt with so many examples."""
        if self.seed is not None:
            attempt = seed(self.seed)(attempt)
        return self.settings(attempt)

    @property
    def settings(self) -> settings:
        """For hypothesis."""
        return settings(
            max_examples=self.examples,
            stateful_step_count=_STEPS,
            derandomize=self.seed is None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            deadline=None,
            database=None,
        )


@dataclass(frozen=True)
class Published:
    """An API that runs, and its published document.

    Attributes:
        document: OpenAPI.
        url: where it is served.
        tokens: of every role.
        known: ids that exist, by the names of path parameters.
    """

    document: Mapping[str, Any]
    url: str
    tokens: Mapping[Role, str]
    known: Mapping[str, Sequence[str]]

    def try_operation(self, operation_id: str, mode: GenerationMode, tries: Tries) -> None:
        """Send requests that fit the document, or that do not; raises what is wrong."""
        schema = schemathesis.openapi.from_dict(_without_security(self.document))
        (result,) = schema.include(operation_id=operation_id).get_all_operations()
        with requests.Session() as session:

            @given(result.ok().as_strategy(mode), st.sampled_from(Role), st.data())
            def attempt(case: Case, role: Role, data: st.DataObject) -> None:
                if mode.is_positive:
                    self._name_what_exists(case, data.draw)
                case.call_and_validate(
                    self.url, session, self._as(role), checks=CHECKS, timeout=WITHIN_S
                )

            tries.of(attempt)()

    def try_sequences(self, role: Role, tries: Tries) -> None:
        """Send requests that go on with what earlier ones answered; raises what is wrong."""
        schema = schemathesis.openapi.from_dict(_without_security(self.document))
        options = {"base_url": self.url, "headers": self._as(role), "timeout": WITHIN_S}
        machine = schema.exclude(operation_id=ENDLESS).as_state_machine()

        class Sequences(machine):  # type: ignore[valid-type, misc]  # a class made at run time
            def get_call_kwargs(self, case: Case) -> dict[str, Any]:
                return options

            def validate_response(self, response: Response, case: Case, **_: Any) -> None:
                case.validate_response(response, CHECKS)

        Sequences.run(settings=tries.settings)

    def _as(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def _name_what_exists(self, case: Case, draw: Callable[[Any], Any]) -> None:
        for name, values in self.known.items():
            if name in case.path_parameters and draw(st.booleans()):
                case.path_parameters[name] = draw(st.sampled_from(values))


def kinds_of_requests() -> list[tuple[str, GenerationMode]]:
    """Every operation, with requests that fit the document and with requests that do not."""
    return [
        (name, mode)
        for name in sorted(operations().keys() - {ENDLESS})
        for mode in GenerationMode
        if mode.is_positive or name not in TAKE_NOTHING
    ]


def _without_security(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, so that schemathesis leaves tokens to us."""
    paths = {
        path: {
            method: {name: value for name, value in operation.items() if name != "security"}
            for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": paths}
