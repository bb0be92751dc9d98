"""`ordersaga demo` as a newcomer runs it, only smaller."""

import sys
from pathlib import Path

import psutil

from ordersaga.demo.source import SHIPPED_SAMPLE
from tests.support.stack.stack import Ended, clean_environment, run_program


async def demo(*arguments: str, cwd: Path) -> Ended:
    command = (sys.executable, "-P", "-m", "ordersaga", "demo", *arguments)
    return await run_program(*command, env=clean_environment(), cwd=cwd)


async def test_the_demo_ends_well_and_leaves_no_process_behind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    arguments = ("--orders", "60", "--data-dir", str(folder), "--file", str(SHIPPED_SAMPLE))
    ended = await demo(*arguments, cwd=tmp_path)
    assert ended.code == 0, ended.out[-3000:] + ended.err
    assert "60 of 60 orders ended" in ended.out
    for part in (
        "out_of_stock",
        "payment_declined",
        "an order that was completed",
        "verify: clean",
    ):
        assert part in ended.out
    assert "DIFFERENT" not in ended.out
    left = [p for p in psutil.process_iter(["cmdline"]) if str(folder) in _words(p)]
    assert left == []


async def test_a_limit_that_is_too_short_fails_clearly(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    ended = await demo("--orders=20", "--timeout=1", "--data-dir", str(folder), cwd=tmp_path)
    assert ended.code == 1
    assert "of 20 orders have ended" in ended.err


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    ended = await demo("--data-dir", str(precious), cwd=tmp_path)
    assert (ended.code, "not empty" in ended.err) == (1, True)
    assert (precious / "thesis.txt").read_text() == "years of work"


def _words(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or ())
