"""How a long-running process ends: on a signal, within its limit, whatever hangs."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import structlog

from ordersaga.errors import STOPPED_LATE

_log = structlog.stdlib.get_logger("ordersaga.ending")

LOOPS_BEYOND_S: Final = 0.5
"""After the drain limit, loops have this long to report what they gave up."""

_LAST_RESORT_BEYOND_S: Final = 1.4
_FLUSH_WITHIN_S: Final = 0.2
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stop_on_signals(then: Callable[[], None] = lambda: None) -> asyncio.Event:
    """An event that SIGTERM, SIGINT and SIGHUP set instead of ending the process.

    Args:
        then: called with each signal, also while the event loop is blocked by a piece of Python.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        then()
        with contextlib.suppress(RuntimeError):  # the event loop is closed: we are ending
            loop.call_soon_threadsafe(stop.set)

    for number in _STOP_SIGNALS:
        signal.signal(number, on_signal)
    return stop


@contextlib.contextmanager
def stopping_on_signals(then: Callable[[], None] = lambda: None) -> Iterator[asyncio.Event]:
    """Like `stop_on_signals`; afterwards the signals have their usual effect again."""
    before: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in _STOP_SIGNALS}
    try:
        yield stop_on_signals(then)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class LastResort:
    """Ends the process if it is not gone shortly after its drain limit.

    Every step of an orderly end has a limit of its own; this one holds if one of them is broken.

    Args:
        drain_s: the drain limit.
    """

    def __init__(self, drain_s: float) -> None:
        self._after_s = drain_s + _LAST_RESORT_BEYOND_S
        self._armed = threading.Lock()

    def arm(self) -> None:
        """From now on the time counts; further calls change nothing."""
        if self._armed.acquire(blocking=False):
            threading.Thread(target=self._wait, name="last resort", daemon=True).start()

    def _wait(self) -> None:
        time.sleep(self._after_s)
        # In a thread of its own: whatever hangs may hold the lock of the log.
        saying = threading.Thread(target=self._say, daemon=True)
        saying.start()
        saying.join(_FLUSH_WITHIN_S)
        os._exit(STOPPED_LATE)

    def _say(self) -> None:
        _log.error("not stopped in time; the process is ended", after_s=self._after_s)
        sys.stderr.flush()
