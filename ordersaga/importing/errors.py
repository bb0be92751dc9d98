"""What stops an import as a whole, before anything was changed.

ImportRefused
├── UnreadableFile   the file is missing, no text, damaged, or not of the Online Retail form
└── ReportFailed     the report of refused lines cannot be written where it was asked for
"""

from pathlib import Path

from ordersaga.errors import WrongUsage


class ImportRefused(WrongUsage):
    """Root of the reasons to import nothing at all; the text is safe to show."""


class UnreadableFile(ImportRefused):
    """The file cannot be imported.

    Attributes:
        path: the file.
        problem: what is wrong with it, with the line number where there is one.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot import {path}: {problem}")
        self.path = path
        self.problem = problem


class ReportFailed(ImportRefused):
    """The report file cannot be written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"cannot write the report {path}: {problem}")
