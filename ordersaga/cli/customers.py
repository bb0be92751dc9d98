"""`ordersaga customer`: erase the personal data of customers, and rotate keys."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from domain.ids import CustomerId, parse_customer_id, parse_order_id
from ordersaga.cli.answers import Answer, CommandGroup
from ordersaga.cli.common import Services, opened
from ordersaga.cli.output import OK, note
from ordersaga.display.tables import make_table
from ordersaga.errors import REFUSED, Refused, Unreachable
from ordersaga.operations.actor import operator
from ordersaga.personal_data.vault import KeyRing

if TYPE_CHECKING:
    from ordersaga.personal_data.erasure import Erasure

app = CommandGroup("customer", "Erase personal data; rotate its keys.")


@dataclass(frozen=True, slots=True)
class _Erased:
    """What `erase` prints; `histories_note` says why Temporal's copies could not be deleted."""

    subject: str
    orders: int
    keys_destroyed: int
    already_erased: bool
    plain_events: int
    histories_deleted: int
    histories_running: tuple[str, ...]
    histories_note: str | None


@app.answer()
async def erase(
    subject: Annotated[str, typer.Argument(metavar="ID", help="Customer id.")],
    reason: Annotated[
        str, typer.Option(help="The reason, for the audit trail; do not name anyone.")
    ] = "requested by the customer",
    guest: Annotated[
        bool, typer.Option("--guest", help="ID is the id of an order that a guest placed.")
    ] = False,
) -> Answer:
    """Erase a customer's personal data: addresses and payment tokens of all their orders.

    This cannot be undone, and takes a few seconds. It is refused while the customer has an open
    order. Running it again only deletes what Temporal still holds.
    """
    from ordersaga.personal_data.erasure import Eraser  # noqa: PLC0415  loads Temporal

    customer_id = None if guest else parse_customer_id(subject)
    async with opened() as services:
        eraser = Eraser(services, operator())
        if customer_id is None:
            erasure = await eraser.erase_guest(parse_order_id(subject), reason)
        else:
            erasure = await eraser.erase_customer(customer_id, reason)
        erased = await _delete_histories(services, erasure, customer_id)
    table = make_table(("personal data", ""), _rows(erased))
    return Answer(erased, table, _report_rest(erased))


async def _delete_histories(
    services: Services, erasure: "Erasure", customer_id: CustomerId | None
) -> _Erased:
    from ordersaga.operations import histories  # noqa: PLC0415  loads Temporal

    problem = None
    deleted = histories.DeletedHistories(0, ())
    try:
        client = await services.temporal()
        deleted = await histories.delete_histories(client, customer_id, erasure.order_ids)
    except Unreachable as error:
        problem = str(error)
    return _Erased(
        subject=erasure.subject,
        orders=len(erasure.order_ids),
        keys_destroyed=erasure.keys_destroyed,
        already_erased=not erasure.recorded_now,
        plain_events=erasure.plain_events,
        histories_deleted=deleted.deleted,
        histories_running=tuple(deleted.running),
        histories_note=problem,
    )


def _rows(erased: _Erased) -> list[tuple[str, object]]:
    return [
        ("of", erased.subject),
        ("is", "erased (already before)" if erased.already_erased else "erased"),
        ("orders", erased.orders),
        ("keys destroyed now", erased.keys_destroyed),
        ("saga histories deleted from Temporal", erased.histories_deleted),
    ]


def _report_rest(erased: _Erased) -> int:
    """Print what is left; returns 1 if running the command again cannot remove all of it."""
    if erased.histories_note:
        note(f"Temporal still holds the orders until its retention ends: {erased.histories_note}")
    if erased.histories_running:
        running = ", ".join(erased.histories_running)
        note(f"these sagas are still running: {running}; erase again later")
    if erased.plain_events:
        note(f"{erased.plain_events} events were stored in plain text and keep their data")
        return REFUSED
    return OK


@app.answer()
async def rewrap_keys(services: Services) -> Answer:
    """Encrypt every data key with the present master key; run it after a change of that key.

    The previous master key must still be set; afterwards it is no longer needed.
    """
    from ordersaga.bootstrap import protection  # noqa: PLC0415  loads the settings

    master = protection.master_keys(services.settings)
    if master is None:
        raise Refused("there is no master key: ORDERSAGA_MASTER_KEY is not set")
    rewrapped = await KeyRing(services.pool).rewrap(master)
    answer = {"rewrapped": rewrapped, "master_key_id": master.current_id}
    return Answer(answer, lambda: make_table(("keys", ""), list(answer.items())))
