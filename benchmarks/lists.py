"""Lists of a million orders beside lists of ten thousand, through the API: `make lists`.

Every filter with every sort, the first page and the hundredth, asked of both shops by turns.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from statistics import median
from typing import Any, Final

from benchmarks.report import RESULTS, surroundings
from benchmarks.rounds import percentile
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from projections.read_models.current_orders.model import OrderSort
from tests.support.api.many_orders import YEAR, fill
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stores.event_store import opened_pool
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres import fresh_database, run_server

_PAGE: Final = 50
_DEEP: Final = 99
_BAR: Final = 2.0


def _filters(orders: int) -> dict[str, Mapping[str, str]]:
    """What can be asked for: what most orders are, and what few are."""
    return {
        "all": {},
        **{f"status {x}": {"status": x} for x in ("completed", "cancelled", "backordered")},
        **{f"payment {x}": {"payment_status": x} for x in PaymentProgress},
        **{f"fulfilment {x}": {"fulfilment_status": x} for x in FulfilmentProgress},
        **{f"return {x}": {"return_status": x} for x in ReturnProgress},
        "customer": {"customer": "c7"},
        "reason": {"reason": "out_of_stock"},
        "of one day": {"placed_from": YEAR.isoformat(), "placed_before": "2026-01-02T00:00:00Z"},
        "since a day": {"placed_from": "2026-01-03T00:00:00Z"},
        "product of all": {"sku": "usual"},
        "product of few": {"sku": "s7"},
        "country of all": {"country": "GB"},
        "country of few": {"country": "IS"},
        "currency of few": {"currency": "CHF"},
        "dearest": {"total_from_minor": str(orders - 20), "currency": "GBP"},
        "cheapest": {"total_until_minor": "20", "currency": "GBP"},
        "needs a person": {"needs_attention": "true"},
    }


class Shop:
    """One of the two, with the cursors of its hundredth pages."""

    def __init__(self, api: ApiShop, orders: int) -> None:
        self.api = api
        self.filters = _filters(orders)
        self._deep: dict[tuple[str, OrderSort], str | None] = {}

    def paths(self, sort: OrderSort, name: str) -> dict[str, str | None]:
        """The first page and the hundredth; None: there is none."""
        asked = {"sort": sort.value, "limit": str(_PAGE), **self.filters[name]}
        if sort.is_by_total:
            asked.setdefault("currency", "GBP")
        first = "/orders?" + "&".join(f"{key}={value}" for key, value in asked.items())
        first = first.replace("+", "%2B")
        deep = self._deep.get((name, sort))
        return {"first": first, "hundredth": deep and f"{first}&cursor={deep}"}

    async def find_deep_pages(self) -> None:
        """Walk to the hundredth page of each list that has one, by pages of 990 orders."""
        for sort in OrderSort:
            for name in self.filters:
                path = str(self.paths(sort, name)["first"])
                wide, cursor = path.replace(f"limit={_PAGE}", f"limit={_PAGE * _DEEP // 5}"), ""
                for _ in range(5):
                    page = (await self.api.get(f"{wide}&cursor={cursor}" if cursor else wide)).json
                    cursor = page["next_cursor"] or ""
                    if not cursor:
                        break
                self._deep[name, sort] = cursor or None

    async def ask(self, path: str) -> float:
        """Milliseconds of one request."""
        began = time.perf_counter()
        answer = await self.api.get(path)
        assert answer.status == 200, answer.text
        return 1000 * (time.perf_counter() - began)


async def _compare(small: Shop, large: Shop, rounds: int) -> list[dict[str, Any]]:
    rows = []
    for sort in OrderSort:
        for name in small.filters:
            of_small, of_large = small.paths(sort, name), large.paths(sort, name)
            for page, large_path in of_large.items():
                if large_path is None:
                    continue
                small_path = of_small[page] or of_small["first"]
                times: tuple[list[float], list[float]] = ([], [])
                for _ in range(rounds):
                    times[0].append(await small.ask(str(small_path)))
                    times[1].append(await large.ask(large_path))
                row = {
                    "list": f"{name}, {sort}, {page} page",
                    "p50 ms": [round(median(each), 1) for each in times],
                    "p99 ms": [round(percentile(each, 0.99), 1) for each in times],
                    "ratio of p50": round(median(times[1]) / median(times[0]), 2),
                    "ratio of p99": round(
                        percentile(times[1], 0.99) / percentile(times[0], 0.99), 2
                    ),
                }
                print(f"{row['list']:60} {row['p50 ms']} {row['ratio of p50']}", flush=True)
                rows.append(row)
    return rows


@asynccontextmanager
async def _shop(server: EmbeddedPostgres, orders: int) -> AsyncIterator[Shop]:
    async with fresh_database(server) as database, opened_api(database) as api:
        began = time.perf_counter()
        async with opened_pool(await as_processes(database), 1) as pool:
            await fill(pool, orders, audited=10_000)
        print(f"{orders} orders are there after {time.perf_counter() - began:.0f} s", flush=True)
        shop = Shop(api, orders)
        await shop.find_deep_pages()
        yield shop


async def _run(few: int, many: int, rounds: int) -> dict[str, Any]:
    with contextmanager(run_server)() as server:
        async with _shop(server, few) as small, _shop(server, many) as large:
            rows = await _compare(small, large, rounds)
    missed = [row["list"] for row in rows if row["ratio of p99"] > _BAR]
    print(f"{len(rows)} lists, {len(missed)} beyond the bar: {missed}")
    return {"orders": [few, many], "rounds": rounds, "bar": _BAR, "missed": missed, "lists": rows}


def main() -> None:
    """Compare, show, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    found = asyncio.run(_run(given.few, given.many, given.rounds))
    (RESULTS / "lists.json").write_text(json.dumps({**surroundings(), **found}, indent=1) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
