"""What a command prints and how it ends: JSON or tables on stdout, one line on stderr, exit codes.

Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 a server is not reachable (or its
schema is missing), 70 a fault of ordersaga itself, 130 interrupted, 141 the reader of our output
went away.
"""

import asyncio
import dataclasses
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from uuid import UUID

from ordersaga.errors import BROKEN_PIPE, REFUSED

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

OK: Final = 0

_PIPE_WIDTH: Final = 200


def to_jsonable(value: Any) -> Any:
    """The JSON form of what a command shows: dataclasses, times, ids and enums included."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Path):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [to_jsonable(item) for item in value]
    return value


def emit(
    data: Any,
    *,
    as_json: bool,
    view: "Callable[[], RenderableType] | RenderableType | None" = None,
) -> None:
    """Print the answer of a command on stdout.

    Args:
        data: the answer as plain values, dataclasses, mappings or sequences of them.
        as_json: print `data` as JSON and nothing else.
        view: what a person sees otherwise (a rich renderable, or a function that makes one);
            without it the JSON form is printed.
    """
    if as_json or view is None:
        sys.stdout.write(json.dumps(to_jsonable(data), ensure_ascii=False, indent=2) + "\n")
        return
    console().print(view() if callable(view) else view)


def console(*, stderr: bool = False) -> "Console":
    """A console for stdout (or stderr); wide when the output goes to a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False)


def printable(text: object) -> str:
    """`text` on one line, without control characters that could steer a terminal."""
    flat = " ".join(str(text).split())
    return "".join(c for c in flat if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})


def cell(value: object) -> "Text":
    """A table cell: empty for None, never read as markup, free of control characters."""
    from rich.text import Text

    return Text("" if value is None else printable(value))


def make_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> "Table":
    """A plain table; columns whose name ends in ``>`` are aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name.removesuffix(">"), justify="right" if name.endswith(">") else "left")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    return table


def note(text: str) -> None:
    """Tell the person something beside the answer, on stderr."""
    sys.stderr.write(f"{printable(text)}\n")


def run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command's coroutine; its result (None: 0) becomes the exit code.

    Raises:
        SystemExit: always, after the work; `main` turns it into the end of the process.
        Exception: what the work raised; `main` maps it to a message and an exit code.
    """
    code = asyncio.run(work)
    raise SystemExit(code or OK)


def run_to_the_end(entry: Callable[[], object]) -> NoReturn:
    """Call `entry`, report what it raises, flush and end the process at once.

    Ending with `os._exit` is on purpose: with Temporal's client loaded, the interpreter's own
    shutdown crashes now and then after the work has succeeded.
    """
    try:
        entry()
        code = OK
    except SystemExit as ended:
        code = _code_of(ended)
    except BaseException as error:  # noqa: BLE001  the end of the process: everything is reported
        code = _report(error)
    _end_process(code)


def _code_of(ended: SystemExit) -> int:
    if ended.code is None:
        return OK
    if isinstance(ended.code, int):
        return ended.code
    note(str(ended.code))
    return REFUSED


def _report(error: BaseException) -> int:
    from ordersaga.cli.failures import explain

    failure = explain(error)
    if failure.message:
        note(f"error: {failure.message}")
    return failure.code


def _end_process(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            code = BROKEN_PIPE
        except (OSError, ValueError):
            code = code or REFUSED
    os._exit(code)
