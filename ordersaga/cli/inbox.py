"""`ordersaga inbox`: everything that waits for a person, or will change by itself soon."""

from typing import Final

from rich.console import Group, RenderableType

from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import Services
from ordersaga.display.tables import Columns, money
from ordersaga.operations.inbox.inbox import Inbox, load_inbox
from ordersaga.operations.inbox.items import InboxItem


def _stake(item: InboxItem) -> str:
    if item.total_minor is None or item.currency is None:
        return ""
    return f"{money(item.total_minor, item.currency)}, {item.pieces} pieces"


def _then(item: InboxItem) -> str:
    due = f" ({item.due_at:%Y-%m-%d %H:%M} UTC)" if item.due_at else ""
    return f"{item.next}{due}"


_ITEMS: Final = Columns(
    "since: since (UTC), kind, order, stake: at stake>, reason, then, actions: possible now",
    order=lambda x: x.order_id or x.subject,
    stake=_stake,
    then=_then,
    actions=lambda x: ", ".join(x.actions),
)
_RETURNS: Final = Columns("opened_at: opened (UTC), order_id: order, return_id: return, pieces>")


@answering
async def inbox(services: Services) -> Answer:
    """Show what waits for a person or will change by itself soon, and what can be done now."""
    waiting = await load_inbox(services.pool, services.temporal)
    return Answer(waiting, lambda: _view(waiting), remarks=waiting.remarks)


def _view(waiting: Inbox) -> RenderableType:
    parts: list[RenderableType] = [_ITEMS.table(waiting.items)] if waiting.items else ["nothing"]
    if waiting.awaiting_decision:
        title = "returns that await their decisions"
        parts.append(_RETURNS.table(waiting.awaiting_decision, title=title))
    return Group(*parts)
