"""The read model of orders with the exactly-once projection runner of `eventsourcing`.

As its documentation shows, each event changes the view in the transaction that records its tracking
id, and the database filters out event types that do not change the view by their topics.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import get_topic
from psycopg.sql import SQL, Composed, Identifier

EVENTS_PER_ORDER = 5
_PATIENCE_S = 600.0


class Order(Aggregate):
    """An order of five events with the same fields as ours."""

    class Created(Aggregate.Created):
        """See `domain.events.OrderCreated`."""

        customer_id: str
        currency: str
        placed_at: str

    class ItemAdded(Aggregate.Event):
        """See `domain.events.ItemAdded`."""

        sku: str
        name: str
        quantity: int
        unit_price: int

    class AddressSet(Aggregate.Event):
        """See `domain.events.AddressSet`."""

        address: dict[str, str]

    class Submitted(Aggregate.Event):
        """See `domain.events.OrderSubmitted`."""

        customer_id: str
        lines: list[dict[str, Any]]
        address: dict[str, str]
        total: int

    class Reserved(Aggregate.Event):
        """See `domain.events.OrderReserved`."""

    @event(Created)
    def __init__(self, customer_id: str, currency: str, placed_at: str) -> None:
        self.customer_id = customer_id
        self.currency = currency
        self.placed_at = placed_at
        self.status = "draft"

    @event(ItemAdded)
    def add(self, sku: str, name: str, quantity: int, unit_price: int) -> None:
        """Add a line."""

    @event(AddressSet)
    def ship_to(self, address: dict[str, str]) -> None:
        """Set the address."""

    @event(Submitted)
    def submit(
        self, customer_id: str, lines: list[dict[str, Any]], address: dict[str, str], total: int
    ) -> None:
        """Freeze the order."""
        self.status = "submitted"
        self.frozen = (customer_id, lines, address, total)

    @event(Reserved)
    def reserve(self) -> None:
        """Mark the stock as reserved."""
        self.status = "reserved"


class Orders(Application[UUID]):
    """Saves the orders."""

    def place(self) -> None:
        """Save an order of five events."""
        address = {
            "name": "Ann Example",
            "line": "1 High Street",
            "city": "Leeds",
            "postcode": "LS1 4AP",
            "country": "GB",
        }
        name = "WHITE HANGING HEART T-LIGHT HOLDER"
        line = {"sku": "85123A", "name": name, "quantity": 6, "unit_price": 255}
        order = Order("17850", "GBP", "2011-12-01T00:00:00+00:00")
        order.add("85123A", name, 6, 255)
        order.ship_to(address)
        order.submit("17850", [line], address, 1530)
        order.reserve()
        self.save(order)


class OrdersView(PostgresTrackingRecorder):
    """The table of orders, changed together with the tracking id."""

    def __init__(self, datastore: Any, **more: Any) -> None:
        super().__init__(datastore, **more)
        self.check_identifier_length("peer_orders")
        self._table = Identifier(self.datastore.schema, "peer_orders")
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (order_id uuid PRIMARY KEY, customer_id text,"
                " currency text, placed_at timestamptz, updated_at timestamptz, status text,"
                " total_minor bigint, line_count int, item_count bigint, version int)"
            ).format(self._table)
        )
        self._insert = SQL(
            "INSERT INTO {} VALUES (%s, %s, %s, %s, %s, 'draft', 0, 0, 0, 1)"
        ).format(self._table)
        self._add = self._update(
            "total_minor = total_minor + %s, line_count = line_count + 1,"
            " item_count = item_count + %s"
        )
        self._submit = self._update(
            "status = 'submitted', total_minor = %s, line_count = %s, item_count = %s"
        )
        self._reserve = self._update("status = 'reserved'")

    def _update(self, change: str) -> Composed:
        text = f"UPDATE {{}} SET {change}, updated_at = %s, version = %s WHERE order_id = %s"  # noqa: S608  the constants above
        return SQL(text).format(self._table)

    def created(self, event: Order.Created, tracking: Tracking) -> None:
        """Insert a row."""
        self._change(
            self._insert,
            tracking,
            event.originator_id,
            event.customer_id,
            event.currency,
            event.placed_at,
            event.timestamp,
        )

    def added(self, event: Order.ItemAdded, tracking: Tracking) -> None:
        """Add a line to the totals."""
        amount = event.quantity * event.unit_price
        self._change(self._add, tracking, amount, event.quantity, *_place(event))

    def submitted(self, event: Order.Submitted, tracking: Tracking) -> None:
        """Set the totals of the submitted order."""
        pieces = sum(line["quantity"] for line in event.lines)
        figures = (event.total, len(event.lines), pieces)
        self._change(self._submit, tracking, *figures, *_place(event))

    def reserved(self, event: Order.Reserved, tracking: Tracking) -> None:
        """Set the status."""
        self._change(self._reserve, tracking, *_place(event))

    def _change(self, statement: Composed, tracking: Tracking, *arguments: Any) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(statement, arguments, prepare=True)
            self._insert_tracking(cursor, tracking)


def _place(event: Aggregate.Event) -> tuple[Any, ...]:
    return event.timestamp, event.originator_version, event.originator_id


_CHANGING = (Order.Created, Order.ItemAdded, Order.Submitted, Order.Reserved)


class CurrentOrders(Projection[OrdersView]):
    """Changes the view by each event type."""

    name = "peer_orders"
    topics = tuple(
        get_topic(kind)
        for kind in (Order.Created, Order.ItemAdded, Order.Submitted, Order.Reserved)
    )

    @singledispatchmethod
    def process_event(self, event: Any, tracking: Tracking) -> None:
        """Change the view by an event."""
        self._CHANGES[type(event)](self.view, event, tracking)

    _CHANGES: Mapping[type, Callable[[OrdersView, Any, Tracking], None]] = {
        Order.Created: OrdersView.created,
        Order.ItemAdded: OrdersView.added,
        Order.Submitted: OrdersView.submitted,
        Order.Reserved: OrdersView.reserved,
    }


class PeerProjection:
    """A store of `eventsourcing` with `orders` orders, in its own database."""

    def __init__(self, dsn: str, orders: int) -> None:
        parts = urlsplit(dsn)
        self._environment = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.strip("/"),
            "POSTGRES_HOST": parts.hostname or "",
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": "",
        }
        self.events = orders * EVENTS_PER_ORDER
        with Orders(self._environment) as application:
            for _ in range(orders):
                application.place()
            self._last = application.recorder.max_notification_id()

    def catch_up(self) -> int:
        """Apply all events after the position of the view; returns how many."""
        with ProjectionRunner(
            application_class=Orders,
            projection_class=CurrentOrders,
            view_class=OrdersView,
            env=self._environment,
        ) as runner:
            runner.wait(self._last, timeout=_PATIENCE_S)
        return self.events
