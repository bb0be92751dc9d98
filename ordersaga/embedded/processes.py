"""Supervised child processes: restarted when they die, and never left behind."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ordersaga.bootstrap.private_files import append_private

_LAUNCHER: Final = Path(__file__).with_name("launch.py")
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
_STEADY_AFTER_S: Final = 30.0
_LOG_LIMIT_BYTES: Final = 20_000_000
_PROBE_EVERY_S: Final = 0.05
_CLOSED: Final = 0o077
"""The umask of every process: what it writes is for this user only."""


class ProcessFailed(Exception):
    """A child process did not become ready; the text ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How a process of the stack runs.

    Attributes:
        role: name in messages, log files and the list of processes.
        command: program and arguments.
        env: the whole environment.
        cwd: working folder.
        log: file for stdout and stderr.
        is_ready: polled after the start until it is True.
        user: system user to run as; None: the current one.
        stop_signal: requests its end.
        death_signal: the kernel sends it if our own process dies.
        grace_s: time to end after `stop_signal`, before it is killed.
        before_start: called before each start.
    """

    role: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    is_ready: Callable[[], Awaitable[bool]]
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 2.5
    before_start: Callable[[], None] = field(default=lambda: None)


class ManagedProcess:
    """One child process: starts it, restarts it if it ends unexpectedly, stops it.

    Use it from the main thread: the death signal is tied to the thread that forked.

    Args:
        spec: what to run.
        report: called with one sentence about each event that a person should know.
    """

    def __init__(self, spec: ProcessSpec, report: Callable[[str], None]) -> None:
        self.spec = spec
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._spawning: asyncio.Future[None] | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id; None if it is not running."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and alive else None

    async def start(self, timeout_s: float = 120.0) -> None:
        """Start it and return once it is ready; from then on it is supervised.

        Raises:
            ProcessFailed: it ended, or was not ready in time.
        """
        await self._spawn()
        try:
            await self._until_ready(timeout_s)
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.spec.role}")

    async def stop(self) -> None:
        """Request its end, kill it after the grace period, return once it has ended."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
        if self._spawning is not None:
            await self._spawning
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.spec.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.spec.grace_s)
        except TimeoutError:
            self._report(f"{self.spec.role} did not stop in time and was killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Stop it; start it again at the end of the context, however that comes.

        Raises:
            ProcessFailed: it did not restart.
        """
        try:
            await self.stop()
            yield
        finally:
            await self.stop()  # a cancellation may have left the first one half-way
            await self.start()

    async def _spawn(self) -> None:
        self.spec.before_start()
        _rotate(self.spec.log)
        with append_private(self.spec.log) as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.spec.env),
                cwd=self.spec.cwd,
                umask=_CLOSED,
                start_new_session=True,  # Ctrl-C reaches only us: we stop children in order
            )

    def _command(self) -> list[str]:
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())]
        user = self.spec.user or "-"
        return [*launcher, str(int(self.spec.death_signal)), user, *self.spec.command]

    async def _until_ready(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not await self.spec.is_ready():
            if self.pid is None:
                raise ProcessFailed(f"{self.spec.role} ended while starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.spec.role} did not become ready:\n{self.log_tail()}")
            await asyncio.sleep(_PROBE_EVERY_S)

    async def _watch(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            code = await self._wait_for_end()
            if time.monotonic() - started > _STEADY_AFTER_S:
                pause = _FIRST_PAUSE_S
            self._report(f"{self.spec.role} ended ({_ending(code)}); restart in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            # Shielded, so that a concurrent stop learns of the new process and ends it.
            self._spawning = asyncio.ensure_future(self._spawn())
            await asyncio.shield(self._spawning)
            self.restarts += 1
            self._report(f"{self.spec.role} restarted (pid {self.pid})")

    async def _wait_for_end(self) -> int:
        if self._process is None:
            raise RuntimeError("watching before the start")
        return await self._process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            text = self.spec.log.read_text(errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _rotate(log: Path) -> None:
    log.parent.mkdir(0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".old.log"))
