"""`ordersaga providers`: when the payment provider or the carrier failed."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType

from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import Services
from ordersaga.display.tables import Columns
from ordersaga.incidents.table import SHOWN, Incident, list_incidents, list_views

_COLUMNS: Final = Columns(
    "provider, begun_at: fails since (UTC), ended_at: until (UTC), waiting: sagas wait>, "
    "most_waiting: at most>, failure: last failure"
)


_VIEWS: Final = Columns(
    "provider, process, failing_since: fails since (UTC), worked_at: last worked (UTC), "
    "failed_at: last failed (UTC), failure: last failure, waiting: sagas wait>, "
    "reported_at: seen (UTC)"
)


@answering
async def providers(
    services: Services,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = SHOWN,
) -> Answer:
    """Show when the payment provider or the carrier failed, what waits, and what workers see.

    An incident is recorded once, whatever the number of orders; those wait and go on by themselves.
    """
    incidents = await list_incidents(services.pool, limit)
    remarks = [remark for each in incidents if (remark := _remark(each))]
    views = await list_views(services.pool)
    shown: list[RenderableType] = [
        _COLUMNS.table(incidents) if incidents else "no provider has failed",
        _VIEWS.table(views) if views else "no worker that runs has called a provider",
    ]
    return Answer({"items": incidents, "processes": views}, Group(*shown), remarks=remarks)


def _remark(incident: Incident) -> str | None:
    """What to do about an incident; None if nothing."""
    now, since = datetime.now(UTC), incident.reported_at
    if since is not None and incident.is_unwatched(now):
        silent_s = (now - since).total_seconds()
        return f"{incident.provider}: no worker has reported for {silent_s:.0f} s: is one running?"
    if incident.ended_at is None and incident.access_refused:
        return f"{incident.provider}: it does not accept our credentials: repair them"
    return None
