"""Reasons to refuse a whole import, before anything was changed.

ImportRefused
├── UnreadableFile   the file is missing, damaged, not text, or not in the Online Retail format
└── ReportFailed     the report of refused lines cannot be written
"""

from pathlib import Path

from ordersaga.errors import WrongUsage


class ImportRefused(WrongUsage):
    """Root of the reasons to import nothing; the text is safe to show."""


class UnreadableFile(ImportRefused):
    """The file cannot be imported.

    Attributes:
        path: the file.
        problem: what is wrong, with the line number if there is one.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot import {path}: {problem}")
        self.path = path
        self.problem = problem


class ReportFailed(ImportRefused):
    """The report file cannot be written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot write the report {path}: {problem}")
