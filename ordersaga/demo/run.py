"""Runs the demonstration."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.ids import OrderId
from ordersaga.bootstrap.settings import load_settings
from ordersaga.bootstrap.wiring import Services, open_services
from ordersaga.console.address import entrance, order_page
from ordersaga.demo import mix
from ordersaga.demo.folder import fresh_folder
from ordersaga.demo.outcome import outcome_table, stories
from ordersaga.demo.screen import Board, Screen, ended
from ordersaga.demo.showcase import orders_to_show, place_stuck_order
from ordersaga.demo.source import CREDIT
from ordersaga.display.timeline import TIMELINE
from ordersaga.display.verification import report_view
from ordersaga.embedded.api_token import read_api_token
from ordersaga.embedded.stack import EmbeddedStack, StackOptions
from ordersaga.errors import Refused
from ordersaga.importing.intake import receive_stock, submit_orders
from ordersaga.importing.plan import ImportPlan, PlannedOrder, Request, read_plan
from ordersaga.operations.orders import OrdersService
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.wired import open_sources
from projections.read_models.current_orders.model import StatusCount, count_orders

_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Options of a demonstration.

    Attributes:
        orders: how many orders of the file are used.
        data_dir: folder of the embedded stack; emptied first.
        keep: leave everything running until a signal arrives.
        timeout_s: seconds within which all sagas must end.
    """

    file: Path
    orders: int
    data_dir: Path
    keep: bool
    timeout_s: float


class Demo:
    """One demonstration; `keeping` is True while it only waits for the stop."""

    def __init__(self, options: DemoOptions, screen: Screen, stop: asyncio.Event) -> None:
        self._options = options
        self._screen = screen
        self._stop = stop
        self.keeping = False

    async def run(self) -> int:
        """Run it; 0 if every order ended and the verification is clean, otherwise 1.

        Raises:
            Refused: the folder or the file cannot be used, or a saga did not end in time.
        """
        began = time.monotonic()
        request = Request(self._options.file, limit=self._options.orders)
        with read_plan(request) as plan:
            orders = mix.with_payments(plan.orders())
        if not orders:
            raise Refused(f"{self._options.file} holds no valid order")
        folder = fresh_folder(self._options.data_dir)
        countries = ",".join(mix.UNSERVED_COUNTRIES)
        stack_options = StackOptions(extra_env={"ORDERSAGA_SANDBOX_UNSERVED_COUNTRIES": countries})
        async with EmbeddedStack(folder, stack_options, progress=self._screen.say) as stack:
            settings = load_settings(**stack.state().settings())  # whatever the environment says
            async with open_services(settings, application_name="ordersaga demo") as services:
                clean = await self._show(services, plan, orders)
                self._screen.say(f"\ntook {time.monotonic() - began:.0f} s")
                if self._options.keep:
                    await self._name_pages(services, stack, orders)
            await self._stay(stack)
            self._screen.say("stopping everything")
        return 0 if clean else 1

    async def _show(
        self, services: Services, plan: ImportPlan, orders: Sequence[PlannedOrder]
    ) -> bool:
        self._screen.heading(f"{len(orders)} real orders of {self._options.file.name}")
        self._screen.say(CREDIT)
        await self._submit(services, plan, orders)
        counts = await self._watch(services, len(orders))
        self._screen.heading("how they ended")
        self._screen.put(outcome_table(counts))
        await self._show_timelines(services, [order.document.order_id for order in orders])
        return await self._verify(services)

    async def _submit(
        self, services: Services, plan: ImportPlan, orders: Sequence[PlannedOrder]
    ) -> None:
        stock = mix.stock_for(orders)
        pieces = await receive_stock(services.handler, plan.digest, stock)
        submitted = await submit_orders(services.handler, orders)
        if submitted.refused:
            raise Refused(f"{submitted.refused} orders were refused")
        self._screen.say(
            f"{pieces:,} pieces of {len(stock)} products received, too few of some; "
            f"{submitted.new} orders submitted, {plan.orders_refused} refused"
        )

    async def _watch(self, services: Services, total: int) -> list[StatusCount]:
        with self._screen.board(total) as board:
            try:
                async with asyncio.timeout(self._options.timeout_s):
                    return await _until_ended(services, total, board)
            except TimeoutError:
                counts = await count_orders(services.pool)
        raise Refused(
            f"after {self._options.timeout_s:.0f} s {ended(counts)} of {total} orders have ended; "
            f"the logs in {self._options.data_dir / 'logs'} say why"
        )

    async def _show_timelines(self, services: Services, order_ids: Sequence[OrderId]) -> None:
        self._screen.heading("three stories")
        for title, entries in await stories(OrdersService.of(services), order_ids):
            self._screen.put(TIMELINE.table(entries, title=title))

    async def _verify(self, services: Services) -> bool:
        self._screen.heading("ordersaga verify, and the providers' own books")
        report = await verify(await open_sources(services))
        self._screen.put(report_view(report))
        return (
            report.clean
            and report.complete
            and all(comparison.equal for comparison in report.comparisons)
        )

    async def _name_pages(
        self, services: Services, stack: EmbeddedStack, orders: Sequence[PlannedOrder]
    ) -> None:
        order_ids = [order.document.order_id for order in orders]
        pages = await orders_to_show(OrdersService.of(services), order_ids)
        pages["one that waits for you"] = await place_stuck_order(services)
        state = stack.state()
        token = read_api_token(state.api_token_file)
        self._screen.heading("the console")
        self._screen.say(f"sign in: {entrance(state.api_url, token)}")
        for what, order_id in pages.items():
            self._screen.say(f"{what}: {order_page(state.api_url, order_id)}")

    async def _stay(self, stack: EmbeddedStack) -> None:
        if not self._options.keep:
            self._screen.say("to explore the console, run it again with --keep (or `make up`)")
            return
        self.keeping = True
        folder = self._options.data_dir
        self._screen.say(f"Temporal UI: {stack.state().ui_url}")
        self._screen.say(f"command line: ORDERSAGA_DATA_DIR={folder} ordersaga saga list")
        self._screen.say("everything keeps running; Ctrl-C stops it")
        await self._stop.wait()


async def _until_ended(services: Services, total: int, board: Board) -> list[StatusCount]:
    while True:
        counts = await count_orders(services.pool)
        board(counts)
        if ended(counts) >= total:
            return counts
        await asyncio.sleep(_LOOK_EVERY_S)
