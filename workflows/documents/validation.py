"""Validation of documents and messages: every problem is named by its field."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError, to_json
from temporalio.exceptions import ApplicationError

from activities.failures import INVALID_DOCUMENT
from domain.errors import DomainError, InvalidValue

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")

RULE: Final = "rule"
"""The rule is one of ours, and only the text says which."""
MOST_BYTES: Final = 2_000_000
"""The longest document; Temporal takes no input of more than 2 MiB."""
TAGS: Final = frozenset({"as_word", "as_amount", "as_object", "as_list"})
"""Names of the forms that a field can have; they are not part of its path."""
_MAX_PROBLEMS = 20
_MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field.

    Attributes:
        field: its dotted path, ``lines.0.quantity``.
        problem: what it must be, for people.
        rule: the name of the rule that it breaks, for programs.
    """

    field: str
    problem: str
    rule: str = RULE

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"

    def to_json(self) -> dict[str, str]:
        """As it stands in the details of a failure, and in answers of the API."""
        return {"field": self.field, "rule": self.rule, "message": self.problem}


class InvalidDocument(ApplicationError):
    """A document was refused. The text names at most 20 invalid fields and holds no values.

    It is a failure of Temporal: a run or an update that lets it pass fails with it, and its details
    are the problems as JSON, at most 20.

    Attributes:
        problems: one for each invalid field, in the order of the document.
    """

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        first = problems[:_MAX_PROBLEMS]
        shown = [str(problem) for problem in first]
        if len(problems) > _MAX_PROBLEMS:
            shown.append(f"and {len(problems) - _MAX_PROBLEMS} more")
        details = [problem.to_json() for problem in first]
        text = "; ".join(shown)
        super().__init__(text, *details, type=INVALID_DOCUMENT, non_retryable=True)
        self.problems = problems

    def __str__(self) -> str:
        return self.message


@contextmanager
def refusals(root: str) -> Iterator[None]:
    """Whatever goes wrong while something from outside is read is a refusal of it.

    Any other exception would fail the workflow task, which Temporal would retry for ever. `root`
    names what is read.

    Raises:
        InvalidDocument: the work inside raised anything.
    """
    try:
        yield
    except InvalidDocument:
        raise
    except InvalidValue as error:
        raise InvalidDocument((FieldProblem(error.field, error.problem),)) from None
    except DomainError as error:
        raise InvalidDocument((FieldProblem(root, str(error)),)) from None
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        raise InvalidDocument(tuple(_problem(detail, root) for detail in details)) from None
    except Exception:  # noqa: BLE001  see above; its text could repeat what was read
        raise InvalidDocument((FieldProblem(root, "cannot be read"),)) from None


def validate(model: type[Model], raw: object, root: str, most_bytes: int = MOST_BYTES) -> Model:
    """Validate `raw` as a `model`; a problem of the whole document is named `root`.

    Args:
        model: what it must be.
        raw: the JSON text as bytes, or the JSON value as Python values.
        root: the name of the whole.
        most_bytes: the longest JSON text that is read at all.

    Raises:
        InvalidDocument: names every invalid field.
    """
    with refusals(root):
        # Python values go through JSON text too: only then does strict mode accept the text forms
        # of dates and enumerations.
        data = raw if isinstance(raw, bytes) else _json_text(raw, root)
        if len(data) > most_bytes:
            raise InvalidDocument((FieldProblem(root, f"is longer than {most_bytes} bytes"),))
        _check_json(data, root)
        return model.model_validate_json(data)


def _json_text(value: object, root: str) -> bytes:
    try:
        return to_json(value)
    except (ValueError, RecursionError):  # the value cannot be JSON
        raise InvalidDocument((FieldProblem(root, "must be a JSON object"),)) from None


def _check_json(data: bytes, root: str) -> None:
    """Refuse JSON that two readers could understand differently, or that is costly to read."""
    try:
        json.loads(
            data.decode(),
            object_pairs_hook=_unique,
            parse_int=lambda _digits: 0,  # the model reads it, and bounds the digits
            parse_constant=_no_number,
        )
    except RecursionError:
        raise InvalidDocument((FieldProblem(root, "is nested too deeply"),)) from None
    except ValueError:
        raise InvalidDocument((FieldProblem(root, "is not valid JSON"),)) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        times = Counter(name for name, _ in pairs)
        name = _shown(times.most_common(1)[0][0])
        raise InvalidDocument((FieldProblem(name, "is there twice"),))
    return unique


def _no_number(_name: str) -> float:
    raise ValueError("NaN and Infinity are not JSON")


def by_domain(parse: Callable[[Any, str], T]) -> AfterValidator:
    """Validates a field by the domain's own validator, and takes its normal form."""
    return AfterValidator(lambda value: named_by_domain(lambda: parse(value, "")))


def named_by_domain(parse: Callable[[], T], names: Mapping[str, str] | None = None) -> T:
    """The result of `parse`, for validators: a refusal of the domain becomes one of pydantic.

    `names`: what the document calls fields that have another name in the domain.
    """
    try:
        return parse()
    except InvalidValue as error:
        parts = [(names or {}).get(part, part) for part in error.field.strip(".").split(".")]
        context = {"part": ".".join(parts), "problem": error.problem}
        raise PydanticCustomError("domain", "{problem}", context) from None


def _problem(detail: ErrorDetails, root: str) -> FieldProblem:
    path = ".".join(_shown(part) for part in detail["loc"] if part not in TAGS) or root
    rule = detail["type"]
    match rule:
        case "domain":
            context = detail["ctx"]
            return FieldProblem(".".join(filter(None, (path, context["part"]))), context["problem"])
        case "missing":
            return FieldProblem(path, "is missing", rule)
        case "extra_forbidden":
            return FieldProblem(path, "is not a known field", rule)
        case "json_invalid":
            return FieldProblem(path, "is not valid JSON", rule)
        case "model_type":
            return FieldProblem(path, "must be a JSON object", rule)
        case _:
            return FieldProblem(path, detail["msg"].lower().replace("input ", ""), rule)


def _shown(part: int | str) -> str:
    """A part of a path. An unknown field may have any name; only harmless ones are shown."""
    text = str(part)
    return text if len(text) <= _MAX_NAME and text.isascii() and text.isprintable() else "(field)"
