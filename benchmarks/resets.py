"""The sagas of the whole fault matrix, each reset to each event: `make resets`.

The exit code is 1 if a reset changed what an order did, or how it ended, or if one does not end.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from temporalio.client import Client

from benchmarks.report import RESULTS, surroundings
from tests.support.faults.fault_matrix import MATRIX, Cell, Play
from tests.support.faults.traps import TrappedShop
from tests.support.sagas.resets import effects_of, end_of, reset_everywhere
from tests.support.sagas.shop import running_workers
from tests.support.sagas.temporal import time_skipping_server
from workflows import policies

_AT_ONCE = 12
_ATTEMPT = timedelta(seconds=6)


@dataclass
class Found:
    """What became of all resets."""

    cells: int = 0
    resets: int = 0
    by_end: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


async def _run(cells: Sequence[Cell]) -> Found:
    first = replace(policies.USUAL.first, maximum_attempts=2)
    usual, soon = policies.Policy(_ATTEMPT, first), timedelta(minutes=1)
    with patch.object(policies, "USUAL", usual), patch.object(policies, "ATTENTION_AFTER", soon):
        async with time_skipping_server() as environment:
            return await _all(environment.client, cells)


async def _all(client: Client, cells: Sequence[Cell]) -> Found:
    shop, found, slots = TrappedShop(), Found(), asyncio.Semaphore(_AT_ONCE)
    plays = [Play(client, shop, cell, number) for number, cell in enumerate(cells)]

    async def run(play: Play) -> None:
        async with slots:
            try:
                await play.run()
            except Exception as error:  # noqa: BLE001  one cell must not hide the others
                found.problems.append(f"{play.cell.name}: not played: {error!r}")

    async def reset(play: Play) -> None:
        async with slots:
            await _reset_one(client, shop, play, found)

    async with running_workers(client, shop, interceptors=[shop.traps]):
        await asyncio.gather(*map(run, plays))
        for play in plays:
            for let_go in play.late:
                let_go()
        await asyncio.sleep(2 * _ATTEMPT.total_seconds())  # attempts that were late have ended
        shop.payments.faults.clear()
        shop.carrier.faults.clear()
        await asyncio.gather(*map(reset, plays))
    return found


async def _reset_one(client: Client, shop: TrappedShop, play: Play, found: Found) -> None:
    handle = client.get_workflow_handle(f"order-{play.order_id}")
    before, ended = await effects_of(shop, play.order_id), await end_of(handle)
    found.cells += 1
    async for event_id, run in reset_everywhere(client, handle):
        found.resets += 1
        end = await end_of(run)
        where = f"{play.cell.name} at event {event_id}"
        if end != ended:
            found.problems.append(f"{where}: ended as {end}, not as {ended}")
        if await effects_of(shop, play.order_id) != before:
            found.problems.append(f"{where}: had an effect")
    found.by_end[str(before.status)] += 1


def main() -> None:
    """Run it, and keep the figures of a run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resets", description=__doc__)
    parser.add_argument("--cells", type=int, default=len(MATRIX), help="only the first so many")
    given, began = parser.parse_args(), time.monotonic()
    found = asyncio.run(_run(MATRIX[: given.cells]))
    seconds = round(time.monotonic() - began)
    figures: dict[str, Any] = {
        **surroundings(),
        "seconds": seconds,
        "cells": found.cells,
        "resets": found.resets,
        "orders": dict(found.by_end),
        "problems": found.problems,
    }
    (RESULTS / "resets.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    sys.stdout.flush()
    os._exit(1 if found.problems else 0)


if __name__ == "__main__":
    main()
