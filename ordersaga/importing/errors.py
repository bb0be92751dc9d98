"""Reasons to refuse a whole import, before anything was changed; their texts are safe to show."""

from pathlib import Path

from ordersaga.errors import WrongUsage


class UnreadableFile(WrongUsage):
    """The file is missing, damaged, not text, or in no form that is known or can be proved.

    Attributes:
        problem: what is wrong, with line and column if there are any, and what to do.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"cannot import {name}: {problem}")
        self.problem = problem


class BadMapping(WrongUsage):
    """A mapping file cannot be used."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"cannot use the mapping {name}: {problem}")
        self.problem = problem


class ReportFailed(WrongUsage):
    """The report cannot be written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot write the report {path}: {problem}")
