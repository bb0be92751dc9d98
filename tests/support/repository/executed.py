"""Which of our files run: those of which a function's body is executed.

Lines that run as a module is loaded do not count, nor do functions that are called then.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.support.repository.source_tree import ROOT, shipped_packages


class ExecutedFiles:
    """Remembers the files of the functions that are called, until it is stopped."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.running = True
        self._ours = tuple(f"{ROOT / package}/" for package in shipped_packages())
        self._seen: dict[int, CodeType] = {}  # by identity: hashing code takes long

    def stop(self) -> None:
        """What is called from now on does not count."""
        self.running = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """A profile function, as `sys.setprofile` takes it."""
        code = frame.f_code
        if event != "call" or not self.running or id(code) in self._seen:
            return
        if not code.co_filename.startswith(self._ours) or not code.co_flags & CO_OPTIMIZED:
            self._seen[id(code)] = code
        elif not loading(frame):
            self._seen[id(code)] = code
            name = Path(code.co_filename).relative_to(ROOT).as_posix()
            if name not in self.names:
                self.names.append(name)


def loading(frame: FrameType | None) -> bool:
    """Whether a module is being loaded: then a body of a module is among those that wait."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and "importlib" in str(frame.f_back):
            return True
        frame = frame.f_back
    return False


@contextmanager
def executed_files() -> Iterator[ExecutedFiles]:
    """Threads that start within the block are watched too; those that run already are not."""
    files = ExecutedFiles()
    threading.setprofile(files)
    sys.setprofile(files)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]  # None ends it, as for sys.setprofile
