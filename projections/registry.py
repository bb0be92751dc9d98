"""Every projection there is."""

from collections.abc import Sequence
from typing import Final

from projections import (
    audit_log,
    current_orders,
    customer_orders,
    fulfillments,
    notifications,
    order_history,
    parcels,
    product_demand,
    returns,
    stock_levels,
)
from projections.errors import UnknownProjection
from projections.projection import Projection

ALL: Final[tuple[Projection, ...]] = (
    current_orders.PROJECTION,
    order_history.PROJECTION,
    customer_orders.PROJECTION,
    product_demand.PROJECTION,
    stock_levels.PROJECTION,
    fulfillments.PROJECTION,
    parcels.PROJECTION,
    returns.PROJECTION,
    audit_log.PROJECTION,
    notifications.PROJECTION,
)


def select(names: Sequence[str]) -> tuple[Projection, ...]:
    """The projections of these names; all if none is named.

    Raises:
        UnknownProjection: there is none of a name.
    """
    by_name = {projection.name: projection for projection in ALL}
    for name in names:
        if name not in by_name:
            raise UnknownProjection(name, tuple(by_name))
    return tuple(by_name[name] for name in names) or ALL
