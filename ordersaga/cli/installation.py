"""`ordersaga installation`: the id by which payments and labels are known as our own."""

from typing import Annotated, Final

import typer

from ordersaga.cli.answers import Answer, CommandGroup
from ordersaga.cli.common import Services, Why
from ordersaga.display.tables import Columns
from ordersaga.installation.identity import Identity, parse_installation_id
from ordersaga.operations.actor import operator

app = CommandGroup(
    "installation", "Show or change the installation id, by which payments are known as our own."
)

_COLUMNS: Final = Columns("id: installation, act, previous, actor, at: at (UTC), reason")
_AFTERWARDS: Final = (
    "payments and labels made before under another id are left alone: an order that still needs "
    "them asks for a person"
)


@app.answer()
async def show(services: Services) -> Answer:
    """Show the id that counts, and every earlier one with who changed it and why."""
    history = await services.installation.history()
    current = await services.installation.current()
    return Answer({"installation": current, "history": history}, lambda: _COLUMNS.table(history))


@app.answer()
async def renew(services: Services, reason: Why) -> Answer:
    """Give a copied database an id of its own, before its processes start.

    Without that, the copy takes the payments of the original for its own.
    """
    return _changed(await services.installation.renew(operator(), reason))


@app.answer()
async def adopt(
    services: Services,
    old: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The id that it had before.", parser=parse_installation_id
        ),
    ],
    reason: Why,
) -> Answer:
    """Give a rebuilt database the id that it had before, so that it knows its payments again."""
    return _changed(await services.installation.adopt(old, operator(), reason))


def _changed(identity: Identity) -> Answer:
    text = f"this installation is now {identity.id}; it was {identity.previous}"
    return Answer(identity, text, remarks=[_AFTERWARDS])
