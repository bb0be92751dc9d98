"""Both sandboxes in one process: options, servers, shutdown."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from adapters.providers.faults import Fault, FaultKind, FaultPlan
from adapters.providers.rules import UNSERVED_COUNTRIES, ServedArea
from adapters.sandboxes.carrier_sandbox import create_carrier_app
from adapters.sandboxes.payment_sandbox import create_payment_app

PAYMENT_LEDGER = "payments.sqlite3"
CARRIER_LEDGER = "labels.sqlite3"
_SHUTDOWN_S = 5.0


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The faults of the sandboxes from the start; rates are fractions of calls, 0 to 1.

    Attributes:
        seed: same seed, same failures.
        latency_s: delay before the work of each call.
        answer_latency_s: delay between the work and the answer.
        unavailable_rate: answered with 503 before the work.
        error_rate: answered with 500 before the work.
        lost_answer_rate: the connection is dropped after the work.
        unserved_countries: ISO 3166 alpha-2 codes that the carrier refuses.
    """

    seed: int = 0
    latency_s: float = 0.0
    answer_latency_s: float = 0.0
    unavailable_rate: float = 0.0
    error_rate: float = 0.0
    lost_answer_rate: float = 0.0
    unserved_countries: frozenset[str] = UNSERVED_COUNTRIES

    def fault_plan(self) -> FaultPlan:
        """A new plan with these faults."""
        delays = {
            FaultKind.DELAY_BEFORE: self.latency_s,
            FaultKind.DELAY_AFTER: self.answer_latency_s,
        }
        rates = {
            FaultKind.UNAVAILABLE: self.unavailable_rate,
            FaultKind.SERVER_ERROR: self.error_rate,
            FaultKind.ANSWER_LOST: self.lost_answer_rate,
        }
        faults = [Fault(kind, delay_s=delay) for kind, delay in delays.items() if delay > 0]
        faults += [Fault(kind, rate=rate) for kind, rate in rates.items() if rate > 0]
        return FaultPlan(faults, self.seed)


async def run_sandboxes(
    payment_port: int,
    carrier_port: int,
    data_dir: Path,
    *,
    host: str = "127.0.0.1",
    options: SandboxOptions | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve both sandboxes until `stop` is set, or SIGTERM or SIGINT if there is no `stop`.

    Raises:
        OSError: a port is in use, or `data_dir` cannot be written.
        sqlite3.Error: a ledger cannot be read.
    """
    options = options or SandboxOptions()
    area = ServedArea(options.unserved_countries)
    payment = create_payment_app(data_dir / PAYMENT_LEDGER, faults=options.fault_plan())
    carrier = create_carrier_app(data_dir / CARRIER_LEDGER, area=area, faults=options.fault_plan())
    await serve([(payment_port, payment), (carrier_port, carrier)], host, stop)


async def serve(
    apps: Sequence[tuple[int, web.Application]], host: str, stop: asyncio.Event | None = None
) -> None:
    """Serve applications, each on its port, until `stop` is set, or SIGTERM or SIGINT without it.

    Raises:
        OSError: a port is in use, or a ledger cannot be written.
        sqlite3.Error: a ledger cannot be read.
    """
    stop = stop or _stop_on_signals()
    runners = [(port, web.AppRunner(app, access_log=None)) for port, app in apps]
    try:
        for port, runner in runners:
            await runner.setup()
            await web.TCPSite(runner, host, port, shutdown_timeout=_SHUTDOWN_S).start()
        await stop.wait()
    finally:
        for _, runner in runners:
            await runner.cleanup()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
