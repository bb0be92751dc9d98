"""`ordersaga customer`: erase the personal data of customers, and look after the keys."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import Json, opened
from ordersaga.cli.output import emit, make_table, note, run
from ordersaga.errors import REFUSED

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services
    from ordersaga.personal_data.erasure import Erasure

app = typer.Typer(
    name="customer", help="Erase personal data; look after its keys.", no_args_is_help=True
)


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


@app.command()
def erase(
    known_as: Annotated[str, typer.Argument(metavar="ID", help="Customer id.")],
    reason: Annotated[
        str, typer.Option(help="Why; stands in the audit trail, so name nobody.")
    ] = "requested by the customer",
    guest: Annotated[
        bool, typer.Option("--guest", help="ID is the id of an order that a guest placed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Erase a customer's personal data for ever: addresses and payment tokens of all their orders.

    Refused while an order of theirs is open. Takes a few seconds. Again changes nothing, but
    deletes what Temporal still held.
    """
    run(_erase(known_as, reason, guest, as_json))


async def _erase(known_as: str, reason: str, guest: bool, as_json: bool) -> int:
    from domain.ids import parse_customer_id, parse_order_id
    from ordersaga.operations.orders import operator
    from ordersaga.personal_data.erasure import Eraser

    async with opened() as services:
        eraser = Eraser(services, operator())
        if guest:
            done = await eraser.erase_guest(parse_order_id(known_as), reason)
        else:
            done = await eraser.erase_customer(parse_customer_id(known_as), reason)
        erased = await _with_histories(services, done, None if guest else known_as)
    emit(erased, as_json=as_json, view=lambda: make_table(("personal data", ""), _facts(erased)))
    return _ending(erased)


async def _with_histories(
    services: "Services", done: "Erasure", customer_id: str | None
) -> _Erased:
    from temporalio.service import RPCError

    from domain.ids import CustomerId
    from ordersaga.errors import Unreachable
    from ordersaga.personal_data.histories import DeletedHistories, delete_histories

    owner = None if customer_id is None else CustomerId(customer_id)
    problem = None
    found = DeletedHistories(0, ())
    try:
        found = await delete_histories(await services.temporal(), owner, done.order_ids)
    except Unreachable as error:
        problem = str(error)
    except RPCError as error:
        problem = f"Temporal: {error.message}"
    return _Erased(
        subject=done.subject,
        orders=len(done.order_ids),
        keys_destroyed=done.keys_destroyed,
        already_erased=not done.recorded_now,
        plain_events=done.plain_events,
        histories_deleted=found.deleted,
        histories_running=tuple(found.running),
        histories_note=problem,
    )


def _facts(erased: _Erased) -> list[tuple[str, object]]:
    return [
        ("of", erased.subject),
        ("is", "erased (it was before)" if erased.already_erased else "erased"),
        ("orders", erased.orders),
        ("keys destroyed now", erased.keys_destroyed),
        ("saga histories deleted from Temporal", erased.histories_deleted),
    ]


def _ending(erased: _Erased) -> int:
    """Say what is left; 1 if personal data is left that a second run could not remove alone."""
    if erased.histories_note:
        note(f"Temporal still holds the orders until its retention ends: {erased.histories_note}")
    if erased.histories_running:
        note(f"these sagas still run: {', '.join(erased.histories_running)}; erase again later")
    if erased.plain_events:
        note(f"{erased.plain_events} events were stored in plain text and keep their data")
        return REFUSED
    return 0


@app.command("rewrap-keys")
def rewrap_keys(as_json: Json = False) -> None:
    """After a change of the master key: lock every data key with the new one.

    The older master key must still be among the settings; afterwards it is not needed any more.
    """
    run(_rewrap(as_json))


async def _rewrap(as_json: bool) -> None:
    from ordersaga.errors import Refused
    from ordersaga.personal_data.protection import master_keys
    from ordersaga.personal_data.vault import KeyRing

    async with opened() as services:
        master = master_keys(services.settings)
        if master is None:
            raise Refused("there is no master key: ORDERSAGA_MASTER_KEY is not set")
        done = await KeyRing(services.pool).rewrap(master)
    facts = {"rewrapped": done, "master_key_id": master.current_id}
    emit(facts, as_json=as_json, view=lambda: make_table(("keys", ""), list(facts.items())))
