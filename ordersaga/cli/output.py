"""How a command runs, what it prints and how it ends.

Results go to stdout as a table or JSON, messages to stderr. Exit codes: 0 done, 1 refused, 2 wrong
usage or settings, 3 a server cannot be reached (or its schema is missing), 70 an internal error,
75 running work was given up at a stop, 130 interrupted, 141 the reader of the output has gone. With
``--json`` an error is JSON as well, with its code from the one list of errors.
"""

import asyncio
import functools
import json
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, TypeAlias

from ordersaga.display.jsonable import to_jsonable
from ordersaga.display.text import printable
from ordersaga.errors import BROKEN_PIPE, REFUSED

if TYPE_CHECKING:
    from rich.console import RenderableType

OK: Final = 0

View: TypeAlias = "Callable[[], RenderableType] | RenderableType"
"""What people see: a rich renderable, or a function that makes one."""

P = ParamSpec("P")


def async_command(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, NoReturn]:
    """A command written as a coroutine; its result (None: 0) becomes the exit code.

    Raises (when called):
        SystemExit: after the work; `run_to_completion` ends the process with its code.
        Exception: what the work raised; `run_to_completion` maps it to a message and a code.
    """

    @functools.wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
        raise SystemExit(asyncio.run(work(*args, **kwargs)) or OK)

    return command


def emit(data: Any, *, as_json: bool, view: "View | None" = None) -> None:
    """Print the answer of a command on stdout.

    Args:
        data: plain values, dataclasses, mappings or sequences of them.
        as_json: print `data` as JSON and nothing else.
        view: printed for people; None: JSON.
    """
    if as_json or view is None:
        sys.stdout.write(json.dumps(to_jsonable(data), ensure_ascii=False, indent=2) + "\n")
        return
    from ordersaga.display.tables import console  # noqa: PLC0415  JSON needs no rich

    console().print(view() if callable(view) else view)


def note(text: str) -> None:
    """Print a remark beside the answer, on stderr."""
    sys.stderr.write(f"{printable(text)}\n")


def run_to_completion(entry: Callable[[], object]) -> NoReturn:
    """Call `entry`, report what it raises, flush and end the process.

    Ends with `os._exit`: once Temporal's client is loaded, the interpreter's own shutdown sometimes
    crashes after the work has succeeded.
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
    from ordersaga.cli.failures import error_line, explain  # noqa: PLC0415  only after a failure

    failure = explain(error)
    if failure.message:
        note(error_line(error, failure, as_json="--json" in sys.argv))
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
