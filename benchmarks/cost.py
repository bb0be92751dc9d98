"""What an order costs: processor time by process, WAL, Temporal's transitions: `make capacity`.

Orders are placed through the API of a whole stack, some at once, and go their ordinary course. What
the processes use while nothing happens is measured first and taken off.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import asyncpg
import psutil  # type: ignore[import-untyped]  # it ships no types
from temporalio.client import Client

from benchmarks.report import RESULTS, surroundings
from tests.support.stack.stack import Up, order_document, until

FIGURES: Final = RESULTS / "cost.json"
_IDLE_S: Final = 20.0
_UNMEASURED: Final = 20  # orders before the clock starts
_AT_ONCE: Final = 8


class Processes:
    """The processes of a stack, and what they have used."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._known = {name: psutil.Process(pid) for name, pid in pids.items()}

    def seconds(self) -> dict[str, float]:
        """Processor time of each since its start, with that of its children."""
        return {name: _with_children(process) for name, process in self._known.items()}


def _with_children(process: psutil.Process) -> float:
    """Children that have ended count as well: PostgreSQL has a process for each connection."""
    used = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used


async def measure(stack: Up, orders: int) -> dict[str, Any]:
    """The cost of an order on a stack that runs."""
    state, token = stack.state(), _token(stack)
    processes = Processes(state.pids)
    await stack.receive("71053", 10 * (orders + _UNMEASURED), "for all of them")
    database = await asyncpg.connect(state.database_url)
    client = await Client.connect(state.temporal_address)
    try:
        async with aiohttp.ClientSession(
            state.api_url, headers={"Authorization": f"Bearer {token}"}
        ) as http:
            await _play(http, client, [f"U{number}" for number in range(_UNMEASURED)])
            await _until_read(stack)
            idle = await _idle(processes)
            before, began = processes.seconds(), time.monotonic()
            written, events = await _written(database)
            names = [f"C{number}" for number in range(orders)]
            await _play(http, client, names)
            await _until_read(stack)
            lasted = time.monotonic() - began
            written_after, events_after = await _written(database)
        used = {
            name: 1000 * max(seconds - before[name] - idle[name] * lasted, 0) / orders
            for name, seconds in processes.seconds().items()
        }
        return {
            "orders": orders,
            "orders a second": round(orders / lasted, 1),
            "ms an order": {name: round(value, 2) for name, value in sorted(used.items())},
            "ms a second when idle": {n: round(1000 * v, 1) for n, v in sorted(idle.items())},
            "WAL bytes an order": (written_after - written) // orders,
            "events an order": round((events_after - events) / orders, 1),
            **await _history(client, names[-1]),
        }
    finally:
        await database.close()


def _token(stack: Up) -> str:
    return Path(stack.state().api_token_file).read_text().strip()


async def _play(http: aiohttp.ClientSession, client: Client, names: Sequence[str]) -> None:
    """Place orders and wait until they are completed."""
    todo = iter(names)

    async def caller() -> None:
        for name in todo:
            async with http.post(
                "/orders", json=order_document(name), headers={"Idempotency-Key": f"place-{name}"}
            ) as answer:
                assert answer.status in (200, 201, 202), await answer.text()
            await until(lambda name=name: _exists(client, name))
            result = await client.get_workflow_handle(f"order-{name}").result()
            assert result["outcome"] == "completed", result

    await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))


async def _exists(client: Client, name: str) -> bool:
    query = f"WorkflowId = 'order-{name}'"
    return [run.id async for run in client.list_workflows(query)] != []


async def _until_read(stack: Up) -> None:
    """Wait until the read models have come to the end of the feed."""

    async def is_read() -> bool:
        ended = await stack.ordersaga("projections", "status", "--json")
        return all(lane["lag_positions"] == 0 for lane in json.loads(ended.out))

    await until(is_read)


async def _idle(processes: Processes) -> dict[str, float]:
    """Seconds of processor time a second while nothing happens."""
    before = processes.seconds()
    await asyncio.sleep(_IDLE_S)
    return {name: (now - before[name]) / _IDLE_S for name, now in processes.seconds().items()}


async def _written(database: asyncpg.Connection) -> tuple[int, int]:
    """Bytes of WAL and events so far."""
    row = await database.fetchrow(
        "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, max(position) FROM eventstore.events"
    )
    return int(row[0]), int(row[1])


async def _history(client: Client, name: str) -> dict[str, Any]:
    """What Temporal holds of one of the orders, the same for all of them."""
    handle = client.get_workflow_handle(f"order-{name}")
    described = (await handle.describe()).raw_info
    kinds: dict[str, int] = {}
    for event in (await handle.fetch_history()).events:
        kind = event.WhichOneof("attributes") or ""
        kinds[kind] = kinds.get(kind, 0) + 1
    return {
        "history events": described.history_length,
        "history bytes": described.history_size_bytes,
        "state transitions": described.state_transition_count,
        "workflow tasks": kinds["workflow_task_completed_event_attributes"],
        "activities": kinds["activity_task_completed_event_attributes"],
    }


async def _run(orders: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="ordersaga-cost-") as folder:
        stack = Up(Path(folder) / "data")
        await stack.start()
        try:
            return await measure(stack, orders)
        finally:
            await stack.stop()


def main() -> None:
    """Measure, show, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    found = asyncio.run(_run(parser.parse_args().orders))
    FIGURES.write_text(json.dumps({**surroundings(), "embedded": found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    sys.stdout.flush()
    os._exit(0)  # the SDK's threads may abort the interpreter's own ending


if __name__ == "__main__":
    main()
