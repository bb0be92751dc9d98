"""Reasons to refuse a whole import, before anything was changed; their texts are safe to show."""

from pathlib import Path

from ordersaga.errors import WrongUsage


class UnreadableFile(WrongUsage):
    """The file is missing, damaged, not text, or not in the Online Retail format.

    Attributes:
        problem: what is wrong, with the line number if there is one.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot import {path}: {problem}")
        self.problem = problem


class ReportFailed(WrongUsage):
    """The report of refused lines cannot be written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot write the report {path}: {problem}")
