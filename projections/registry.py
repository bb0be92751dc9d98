"""All projections."""

from collections.abc import Sequence
from typing import Final

from projections.engine.projection import Projection
from projections.errors import UnknownProjection
from projections.outbox import rules as notifications
from projections.read_models.audit_log import model as audit_log
from projections.read_models.current_orders import model as current_orders
from projections.read_models.customer_orders import model as customer_orders
from projections.read_models.fulfillments import model as fulfillments
from projections.read_models.order_history import model as order_history
from projections.read_models.parcels import model as parcels
from projections.read_models.payments import model as payments
from projections.read_models.product_demand import model as product_demand
from projections.read_models.returns import model as returns
from projections.read_models.stock_levels import model as stock_levels

ALL: Final[tuple[Projection, ...]] = (
    current_orders.PROJECTION,
    order_history.PROJECTION,
    customer_orders.PROJECTION,
    product_demand.PROJECTION,
    stock_levels.PROJECTION,
    fulfillments.PROJECTION,
    parcels.PROJECTION,
    returns.PROJECTION,
    payments.PROJECTION,
    audit_log.PROJECTION,
    notifications.PROJECTION,
)


def select(names: Sequence[str]) -> tuple[Projection, ...]:
    """The projections with these names; all of them without names.

    Raises:
        UnknownProjection: no projection has one of the names.
    """
    by_name = {projection.name: projection for projection in ALL}
    for name in names:
        if name not in by_name:
            raise UnknownProjection(name, tuple(by_name))
    return tuple(by_name[name] for name in names) or ALL
