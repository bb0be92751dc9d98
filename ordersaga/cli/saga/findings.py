"""`ordersaga saga findings`: what the watchdog sees."""

from typing import Final

from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import Services
from ordersaga.display.tables import Columns
from ordersaga.findings.table import list_findings, load_watch

FINDINGS: Final = Columns(
    "kind: finding, subject: saga or queue, detail: what is wrong, action: what ends it, "
    "first_seen: since (UTC), last_seen: last seen (UTC), notification"
)


@answering
async def findings(services: Services) -> Answer:
    """List what the watchdog sees: sagas and task queues that need a person.

    Each finding names the command that ends it, and disappears once its cause is gone.
    """
    rows, watch = await list_findings(services.pool), await load_watch(services.pool)
    data = {"looked_at": watch.looked_at, "remark": watch.remark, "items": rows}
    remarks = [watch.remark] if watch.remark else []
    return Answer(data, lambda: FINDINGS.table(rows), remarks=remarks)
