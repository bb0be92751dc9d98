"""`ordersaga token`: who may use the HTTP API."""

from datetime import timedelta
from typing import Annotated, Final

import typer

from ordersaga.access.refusals import list_refusals
from ordersaga.access.roles import SCOPES, Role, Scope, parse_scope
from ordersaga.access.tokens import LONGEST, Tokens, parse_token_name
from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import Cursor, Limit, Services
from ordersaga.display.tables import Columns
from ordersaga.operations.actor import operator

app = CommandGroup("token", "Create, list and revoke tokens of the HTTP API.")

_COLUMNS: Final = Columns(
    "id, name, role, scopes, created_at: created (UTC), expires_at: expires (UTC), "
    "revoked_at: revoked (UTC), revoked_by",
    scopes=lambda x: ", ".join(map(str, x.scopes)) or "all of the role",
)
_REFUSALS: Final = Columns("at: at (UTC), actor: who, operation, why, token_id: token")


@app.answer()
async def create(
    services: Services,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Who gets it: the actor in the audit trail is ROLE:NAME.",
            parser=parse_token_name,
        ),
    ],
    role: Annotated[Role, typer.Option(help="What it is for.")],
    scopes: Annotated[
        list[Scope] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help=f"Only this; may be repeated: {', '.join(map(str, SCOPES))}.",
            parser=parse_scope,
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=LONGEST.days, help="Days until it expires.")] = 90,
) -> Answer:
    """Create a token and print it, this once: only a digest of it is kept."""
    tokens = Tokens(services.pool)
    token, text = await tokens.create(name, role, scopes or (), timedelta(days=days), operator())
    return Answer({"token": text, **_plain(token)}, text, remarks=["it is shown only now: keep it"])


@app.answer("list")
async def list_(services: Services) -> Answer:
    """List all tokens, the latest first; nobody can read their secrets."""
    tokens = await Tokens(services.pool).every()
    return Answer([_plain(token) for token in tokens], lambda: _COLUMNS.table(tokens))


@app.answer()
async def revoke(
    services: Services,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the token.")],
) -> Answer:
    """Refuse a token from now on; processes notice it within five seconds."""
    token = await Tokens(services.pool).revoke(token_id, operator())
    return Answer(_plain(token), lambda: _COLUMNS.table([token]))


@app.answer()
async def refusals(services: Services, limit: Limit = 50, cursor: Cursor = None) -> Answer:
    """List what tokens were refused for lack of a right, the latest first."""
    return page_answer(await list_refusals(services.pool, limit=limit, cursor=cursor), _REFUSALS)


def _plain(token: object) -> dict[str, object]:
    data = {name: getattr(token, name) for name in token.__dataclass_fields__}  # type: ignore[attr-defined]  # a dataclass
    return {**data, "scopes": [str(scope) for scope in data["scopes"]]}
