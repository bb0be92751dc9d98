"""Signals, and the last resort of a process that hangs."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from ordersaga.daemons.ending import stopping_on_signals
from ordersaga.errors import STOPPED_LATE

HANGS = """
import asyncio, sys, time
from ordersaga.daemons.ending import LastResort, stopping_on_signals

async def main():
    with stopping_on_signals(LastResort({drain_s}).arm) as stop:
        print("begun", flush=True)
        {hang}

asyncio.run(main())
"""
WAYS = {
    "the event loop is blocked": "time.sleep(3600)",
    "a task ignores its cancellation": "await asyncio.Event().wait()",
    "Python spins": "\n        while True: pass",
}


@pytest.mark.parametrize("hang", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_process_that_hangs_ends_with_a_code_of_its_own(hang: str, number: int) -> None:
    program = HANGS.format(drain_s=0.1, hang=hang)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
        assert process.wait(60) == STOPPED_LATE


def test_without_a_signal_the_last_resort_does_nothing() -> None:
    program = HANGS.format(drain_s=0.1, hang="await asyncio.sleep(3)")
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert ended.returncode == 0


async def test_signals_have_their_usual_effect_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(60):
            await stop.wait()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_log_that_takes_nothing_does_not_hold_the_last_resort() -> None:
    """Standard error is a pipe that is full and that nobody reads."""
    program = """
import os, sys, time
from ordersaga.daemons.ending import LastResort
os.set_blocking(2, False)
try:
    while True: os.write(2, b"x" * 65536)
except BlockingIOError: os.set_blocking(2, True)
LastResort(0.1).arm()
time.sleep(3600)
"""
    reader, writer = os.pipe()
    try:
        command = [sys.executable, "-c", program]
        with subprocess.Popen(command, stderr=writer) as process:
            assert process.wait(60) == STOPPED_LATE
    finally:
        os.close(reader)
        os.close(writer)
