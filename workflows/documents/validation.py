"""Validation of documents and messages: every problem is named by its field."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError
from pydantic_core import ErrorDetails, to_json

_MAX_PROBLEMS = 20
_MAX_NAME = 64

# No control characters or line breaks: jsonb cannot store U+0000, and labels have single lines.
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER, min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field; `field` is its dotted path, ``lines.0.quantity``."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class InvalidDocument(Exception):
    """A document was refused. The text names at most 20 invalid fields and holds no values.

    Attributes:
        problems: one for each invalid field, in the order of the document.
    """

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        shown = [str(problem) for problem in problems[:_MAX_PROBLEMS]]
        if len(problems) > _MAX_PROBLEMS:
            shown.append(f"and {len(problems) - _MAX_PROBLEMS} more")
        super().__init__("; ".join(shown))
        self.problems = problems


def validate(model: type[Any], raw: object, root: str) -> Any:
    """Validate `raw` as a `model`; a problem of the whole document is named `root`.

    Raises:
        InvalidDocument: names every invalid field.
    """
    try:
        # Python values go through JSON text too: only then does strict mode accept the text forms
        # of dates and enumerations.
        return model.model_validate_json(raw if isinstance(raw, bytes) else to_json(raw))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        raise InvalidDocument(tuple(_problem(detail, root) for detail in details)) from None
    except (ValueError, RecursionError):  # to_json: the value cannot be JSON
        raise InvalidDocument((FieldProblem(root, "must be a JSON object"),)) from None


def _problem(detail: ErrorDetails, root: str) -> FieldProblem:
    path = ".".join(_shown(part) for part in detail["loc"]) or root
    match detail["type"]:
        case "missing":
            return FieldProblem(path, "is missing")
        case "extra_forbidden":
            return FieldProblem(path, "is not a known field")
        case "json_invalid":
            return FieldProblem(path, "is not valid JSON")
        case "model_type":
            return FieldProblem(path, "must be a JSON object")
        case "string_pattern_mismatch":
            return FieldProblem(path, _pattern_problem(detail["ctx"]["pattern"]))
        case _:
            return FieldProblem(path, detail["msg"].lower().replace("input ", ""))


def _shown(part: int | str) -> str:
    """A part of a path. An unknown field may have any name; only harmless ones are shown."""
    text = str(part)
    return text if len(text) <= _MAX_NAME and text.isascii() and text.isprintable() else "(field)"


def _pattern_problem(pattern: str) -> str:
    if pattern == PRINTABLE:
        return "must not contain control characters"
    if pattern == _IDENTIFIER:
        return (
            "must be 1 to 64 letters, digits, dots, underscores or hyphens "
            "and start with a letter or digit"
        )
    return f"must match {pattern}"
