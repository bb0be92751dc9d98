"""`ordersaga` commands as processes that begin with everything loaded.

Loading Python and Temporal's client takes a command longer than its work. So a server process loads
them once, and each command is a fork of it, with arguments, environment, folder and output of its
own. What a command does to be loaded quickly has tests of its own, which start it in the usual way.
"""

import asyncio
import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

_TIMEOUT_S = 120


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.stack.loaded"])
    return context


async def run_command(
    arguments: tuple[str, ...], env: dict[str, str], cwd: Path | None
) -> tuple[int, str, str]:
    """Run a command to its end; returns exit code, output and errors."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        given = (arguments, env, str(cwd or Path.cwd()), str(out), str(err))
        process = _context().Process(target=_be_the_command, args=given)
        process.start()
        try:
            await _ended(process)
        finally:
            process.kill()
            process.join()
        assert process.exitcode is not None
        return process.exitcode, out.read_text(), err.read_text()


async def _ended(process: BaseProcess) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)


def _be_the_command(
    arguments: tuple[str, ...], env: dict[str, str], cwd: str, out: str, err: str
) -> None:
    from ordersaga.cli.main import main  # noqa: PLC0415  the server of the forks has loaded it

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, name in ((1, out), (2, err)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv = ["ordersaga", *arguments]
    main()
