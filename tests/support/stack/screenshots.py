"""Makes the pictures of docs/stuck-sagas.md from a running system.

It starts the whole stack on free ports with a temporary folder, brings sagas into each stuck state
by the faults of the sandboxes, and takes each picture only when the page shows what the document
says. Needs Chromium. Run it from the repository's root, then look at the pictures:

    .venv/bin/python -m tests.support.stack.screenshots    (or only the scenes that are named)

`make browser` plays some of them with `--into`, which leaves the pictures of the documents alone.
"""

import argparse
import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ordersaga_client import OrderSagaClient
from temporalio.client import Client

from adapters.providers.faults import Fault, FaultKind
from ordersaga.operations.temporal_runs import find_run
from tests.support.stack.browser import Page, opened_page
from tests.support.stack.stack import Up, order_document, until

FOLDER = Path(__file__).parents[3] / "docs" / "images"
LIGHT = 150_000


class Scene:
    """The stack, a browser on its Temporal UI, and what brings sagas into a state."""

    def __init__(self, up: Up, client: Client, page: Page, folder: Path) -> None:
        self.folder = folder
        self.up = up
        self.client = client
        self.page = page
        self.sagas = OrderSagaClient(client)

    async def order(self, order_id: str, **changes: Any) -> None:
        """Start the saga of an order."""
        await self.sagas.place(order_document(order_id, **changes))

    async def at_step(self, order_id: str, **wanted: Any) -> None:
        """Wait until a saga says this of itself."""

        async def reached() -> bool:
            details = (await self.sagas.status(order_id)).model_dump()
            return all(details[name] == value for name, value in wanted.items())

        await until(reached, timeout_s=120)

    async def ordersaga(self, *arguments: str) -> None:
        """Run a command that must succeed."""
        ended = await self.up.ordersaga(*arguments)
        assert ended.code == 0, ended.err

    async def show(self, order_id: str, tab: str, *words: str, height: int = 680) -> None:
        """Show a tab of a saga's page and wait for the words."""
        run = await find_run(self.client, f"order-{order_id}")
        assert run is not None
        url = f"{self._workflows}/{run.workflow_id}/{run.run_id}/{tab}"
        await self.page.open(url, *words, height=height)

    async def show_list(self, query: str, *words: str) -> None:
        """Show the workflows that a query finds."""
        await self.page.open(f"{self._workflows}?query={query}", *words, height=420)

    async def save(self, name: str) -> None:
        """Take the picture."""
        path = self.folder / f"stuck-{name}.png"
        await self.page.picture(path)
        size = path.stat().st_size
        assert size < LIGHT, f"{path.name} has {size} bytes"
        print(path.name, size)  # noqa: T201  a script

    @property
    def _workflows(self) -> str:
        return f"{self.up.state().ui_url}/namespaces/default/workflows"


async def provider_down(scene: Scene) -> None:
    """A step that is tried again and again."""
    await scene.up.payment.add(Fault(FaultKind.UNAVAILABLE, "confirm", "down-*"))
    await scene.order("down-1")
    await scene.at_step("down-1", step="process_payment")
    await asyncio.sleep(8)  # several attempts
    # Lower down the page shows a stack trace with paths of the machine.
    words = ("process_payment", "remaining", "HTTP 503")
    await scene.show("down-1", "pending-activities", *words, height=550)
    await scene.save("provider-down")


async def on_hold(scene: Scene) -> None:
    """A saga that an operator holds."""
    hold = await scene.up.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "held-*"))
    await scene.order("held-1")
    await scene.up.payment.wait_until_holding(hold)
    await scene.ordersaga("saga", "hold", "held-1", "--reason", "fraud check")
    await scene.up.payment.remove(hold)
    await scene.at_step("held-1", step="on_hold")
    await scene.show("held-1", "user-metadata", "to resume it: fraud check")
    await scene.save("on-hold")


async def needs_attention(scene: Scene) -> None:
    """A compensation that fails, and the way to have it tried again."""
    await scene.up.payment.add(Fault(FaultKind.INVALID, "refund", "refund-*"))
    address = {**order_document("x")["address"], "postal_code": "NOSHIP"}
    await scene.order("refund-1", address=address)
    await scene.at_step("refund-1", needs_attention=True)
    await scene.show_list("NeedsAttention%3Dtrue", "order-refund-1")
    await scene.save("attention-list")
    await scene.show("refund-1", "user-metadata", "Needs attention", "Turning back")
    await scene.save("attention")
    await scene.show("refund-1", "search-attributes", '"refund_pending"', '"undo_payment"')
    await scene.save("search-attributes")


async def messages(scene: Scene) -> None:
    """The dialog that sends an update: what it offers, and that the saga takes it."""
    hold = await scene.up.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "told-*"))
    await scene.order("told-1")
    await scene.up.payment.wait_until_holding(hold)
    page = scene.page
    await scene.show("told-1", "timeline", "More Actions", "process_payment", height=720)
    await page.click("button", "More Actions")
    await page.click("[data-testid=update-button]")
    await page.click("[data-testid=update-select-button]")
    await page.wait_for("Start no further step until resumed")
    await scene.save("update-list")
    await page.click("#update-select-select li", "hold")
    await page.click("dialog[open] .cm-content")
    await page.write('{"actor": "jo", "reason": "fraud check"}')
    # Leaving the field lays the JSON out anew, which would move the button away from under a click.
    await page.evaluate("document.activeElement.blur()")
    await scene.save("update-json")
    await page.click("dialog[open] [data-testid=confirm-modal-button]", "Submit")
    await page.wait_for("Update successful")
    await scene.at_step("told-1", held_by="jo", hold_reason="fraud check")
    await scene.up.payment.remove(hold)


async def no_worker(scene: Scene) -> None:
    """An activity that nobody takes: the supervisor is stopped, so that it starts no new worker."""
    os.kill(scene.up.pid, signal.SIGSTOP)
    try:
        os.kill(scene.up.state().pids["worker-steps"], signal.SIGKILL)
        await asyncio.sleep(2)  # the server notices that the connections are gone
        await scene.order("waiting-1")
        await scene.at_step("waiting-1", step="reserve_inventory")
        words = ("reserve_inventory", "SCHEDULED")
        await scene.show("waiting-1", "pending-activities", *words, height=620)
        await scene.save("no-worker")
    finally:
        os.kill(scene.up.pid, signal.SIGCONT)


async def workflow_bug(scene: Scene) -> None:
    """A workflow task that fails each time: here the type's name has a typing error."""
    await scene.client.start_workflow(
        "OrderFulfilment", order_document("typo"), id="order-typo", task_queue="orders"
    )
    await scene.show("typo", "timeline", "Workflow Task Failed", "is not registered")
    await scene.save("workflow-bug")


async def paused(scene: Scene) -> None:
    """A workflow that somebody paused in Temporal itself."""
    hold = await scene.up.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "paused-*"))
    await scene.order("paused-1")
    await scene.up.payment.wait_until_holding(hold)
    command = (
        "workflow",
        "pause",
        "-w",
        "order-paused-1",
        "--reason",
        "a look first",
        "--identity",
        "jo",
    )
    ended = await scene.up.temporal(*command)
    assert ended.code == 0, ended.err
    await scene.show("paused-1", "user-metadata", "Unpause", height=600)
    await scene.save("paused")
    await scene.up.payment.remove(hold)


async def terminated(scene: Scene) -> None:
    """A saga that somebody terminated: nothing was undone."""
    hold = await scene.up.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "ended-*"))
    await scene.order("ended-1")
    await scene.up.payment.wait_until_holding(hold)
    handle = scene.client.get_workflow_handle("order-ended-1")
    await handle.terminate(reason="seemed stuck")
    await scene.show("ended-1", "timeline", "seemed stuck", height=860)
    await scene.save("terminated")
    await scene.up.payment.remove(hold)


SCENES = (
    workflow_bug,
    messages,
    provider_down,
    on_hold,
    needs_attention,
    paused,
    terminated,
    no_worker,
)


@asynccontextmanager
async def opened_scene(pictures: Path) -> AsyncIterator[Scene]:
    """A fresh stack with stock, and a browser."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        up = Up(Path(folder) / "data")
        await up.start()
        try:
            await up.receive("71053", 1000, "delivery")
            async with up.services() as services, opened_page() as page:
                yield Scene(up, await services.temporal(), page, pictures)
        finally:
            await up.stop()


async def _main() -> None:
    scenes = {each.__name__: each for each in SCENES}
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", nargs="*", metavar="SCENE")
    parser.add_argument("--into", type=Path, default=FOLDER)
    asked = parser.parse_args()
    async with opened_scene(asked.into) as scene:
        for name in asked.scenes or scenes:
            await scenes[name](scene)


if __name__ == "__main__":
    asyncio.run(_main())
    os._exit(0)  # the SDK's threads may abort the interpreter's own ending
