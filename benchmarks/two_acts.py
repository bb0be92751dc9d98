"""What a payment in two acts costs an order beside a charge in one call: `make two-acts`.

Both ways pay at the stand-in for Stripe, turn by turn, in a saga that is alone on the machine. The
way with one call is what the two acts replaced: it creates and confirms at once, and so knows the
payment's id only from the answer.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentRequest, PaymentStatus, ProviderPayment
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.payments.stripe.limits import to_stripe
from adapters.payments.stripe.records import INSTALLATION, KEY, ORDER, IntentRecord, read
from adapters.providers.faults import FaultPlan
from benchmarks.report import RESULTS, surroundings
from ordersaga.embedded.layout import DYNAMIC_CONFIG
from tests.support.faults.traps import TrappedStripeShop
from tests.support.sagas.sagas import new_order_id, result, start
from tests.support.sagas.shop import document, running_workers
from tests.support.sagas.temporal import SERVER
from tests.support.stack.stripe_sandbox import KEY as API_KEY
from tests.support.stack.stripe_sandbox import StripeControl, running_stripe_sandbox
from workers.converter import DATA_CONVERTER
from workflows.common.search_attributes import ALL_ATTRIBUTES

_TWO, _ONE = "two acts", "one call"
_BAR: Final = 1.5
_MOST_CALLS: Final = 3
_UNMEASURED: Final = 3  # orders at the start of each turn


class OneCallGateway(StripePaymentGateway):
    """Charges in the call that creates the payment."""

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        """Create a payment that is confirmed at once; shown as if it were not yet."""
        key = request.idempotency_key
        async with self._calls.calling("create", changes=True, key=key):
            answer = await self._intents.create_async(
                {
                    "amount": to_stripe(request.amount),
                    "currency": request.amount.currency.lower(),
                    "payment_method": request.token,
                    "payment_method_types": ["card"],  # type: ignore[typeddict-unknown-key]  # of its version
                    "confirm": True,
                    "off_session": True,
                    "metadata": {
                        INSTALLATION: request.installation,
                        ORDER: request.order_id,
                        KEY: key,
                    },
                    "expand": ["latest_charge"],
                },
                {"idempotency_key": key},
            )
        self._charged = read(answer, IntentRecord, changes=True).to_payment()
        return replace(self._charged, status=PaymentStatus.UNCONFIRMED)

    async def confirm(self, reference: str) -> ProviderPayment:
        """The answer of the only call; orders come one after the other."""
        assert reference == self._charged.reference
        return self._charged


async def _run(rounds: int, orders: int) -> dict[str, Any]:
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(SERVER),
        dev_server_log_level="never",
        dev_server_extra_args=[
            part for setting in DYNAMIC_CONFIG for part in ("--dynamic-config-value", setting)
        ],
        data_converter=DATA_CONVERTER,
        search_attributes=list(ALL_ATTRIBUTES),
    )
    with TemporaryDirectory(prefix="ordersaga-two-acts-") as folder:
        async with environment, running_stripe_sandbox(Path(folder)) as sandbox:
            return await _measure(environment.client, sandbox.control, rounds, orders)


async def _measure(
    client: Client, control: StripeControl, rounds: int, orders: int
) -> dict[str, Any]:
    p50: dict[str, list[float]] = {_TWO: [], _ONE: []}
    calls: dict[str, list[str]] = {}
    for number in range(rounds):
        for way in (_TWO, _ONE) if number % 2 else (_ONE, _TWO):
            gateway = (StripePaymentGateway if way == _TWO else OneCallGateway)(
                API_KEY, control.base_url
            )
            seconds, calls[way] = await _turn(client, control, gateway, orders)
            p50[way].append(1000 * median(seconds))
            await gateway.close()
            print(f"round {number + 1} of {rounds}, {way}: {p50[way][-1]:.0f} ms", flush=True)
    ratios = [two / one for two, one in zip(p50[_TWO], p50[_ONE], strict=True)]
    return {
        "orders a turn": orders,
        "p50 ms": {way: [round(value, 1) for value in values] for way, values in p50.items()},
        "ratio": {
            "median": round(median(ratios), 2),
            "lowest": round(min(ratios), 2),
            "highest": round(max(ratios), 2),
            "bar": _BAR,
        },
        "calls of a happy order": calls,
    }


async def _turn(
    client: Client, control: StripeControl, gateway: StripePaymentGateway, orders: int
) -> tuple[Sequence[float], list[str]]:
    """The seconds of each order, and the calls of the last one."""
    shop = TrappedStripeShop(gateway, FaultPlan())
    seconds = []
    async with running_workers(client, shop, max_cached_workflows=100):
        for _ in range(_UNMEASURED + orders):
            order_id = new_order_id()
            await shop.receive(f"{order_id}-sku", 10)
            began = time.perf_counter()
            handle = await start(client, order_id, document(order_id, payment={"token": shop.good}))
            assert (await result(handle))["outcome"] == "completed"
            seconds.append(time.perf_counter() - began)
    made = [call["operation"] for call in await control.calls() if call["order_id"] == order_id]
    return seconds[_UNMEASURED:], made


def main() -> None:
    """Run it, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.two_acts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--orders", type=int, default=30)
    given = parser.parse_args()
    figures = {**surroundings(), **asyncio.run(_run(given.rounds, given.orders))}
    (RESULTS / "two_acts.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    most = max(len(calls) for calls in figures["calls of a happy order"].values())
    sys.exit(figures["ratio"]["median"] > _BAR or most > _MOST_CALLS)


if __name__ == "__main__":
    main()
