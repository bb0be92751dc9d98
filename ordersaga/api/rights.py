"""Who may do what: one table of all operations, their scopes and the roles that have them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ordersaga.access.roles import Access, Area, Role, Scope, covers
from ordersaga.access.tokens import Token

_READ, _WRITE = Access.READ, Access.WRITE
_SERVICE, _SUPPORT, _OPERATOR = Role.SERVICE, Role.SUPPORT, Role.OPERATOR
_FINANCE, _ADMIN = Role.FINANCE, Role.ADMIN

_STAFF: Final = frozenset({_SUPPORT, _OPERATOR, _FINANCE, _ADMIN})
_EVERYBODY: Final = frozenset(Role)
_OF_CUSTOMERS: Final = frozenset({_SERVICE, _SUPPORT, _OPERATOR, _ADMIN})
_STEERING: Final = frozenset({_OPERATOR, _ADMIN})

SEES_ADDRESSES: Final = _OF_CUSTOMERS
"""The roles that are shown where a parcel goes."""


@dataclass(frozen=True, slots=True)
class Right:
    """What an operation needs: a token of one of the roles, whose scopes cover this one."""

    scope: Scope
    roles: frozenset[Role]

    def problem(self, token: Token) -> str | None:
        """Why a token may not do it; None: it may."""
        if token.role not in self.roles:
            return f"needs a token of the role {' or '.join(sorted(self.roles))}"
        if not covers(token.scopes, self.scope):
            return f"needs a token with the scope {self.scope}"
        return None


def _right(area: Area, access: Access, roles: frozenset[Role]) -> Right:
    return Right(Scope(area, access), roles)


RIGHTS: Final[Mapping[str, Right]] = {
    "place_order": _right(Area.ORDERS, _WRITE, frozenset({_SERVICE, _ADMIN})),
    "get_order": _right(Area.ORDERS, _READ, _EVERYBODY),
    "list_orders": _right(Area.ORDERS, _READ, _EVERYBODY),
    "cancel_order": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "hold_order": _right(Area.ORDERS, _WRITE, frozenset({_SUPPORT, _OPERATOR, _ADMIN})),
    "resume_order": _right(Area.ORDERS, _WRITE, frozenset({_SUPPORT, _OPERATOR, _ADMIN})),
    "retry_order": _right(Area.ORDERS, _WRITE, _STEERING),
    "resolve_order": _right(Area.ORDERS, _WRITE, _STEERING),
    "change_address": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "amend_order": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "choose_for_order": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "pay_order": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "recover_order": _right(Area.ORDERS, _WRITE, _STEERING),
    "start_job": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "run_job": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "abort_job": _right(Area.ORDERS, _WRITE, _OF_CUSTOMERS),
    "get_job": _right(Area.ORDERS, _READ, _EVERYBODY),
    "list_job_orders": _right(Area.ORDERS, _READ, _EVERYBODY),
    "list_jobs": _right(Area.ORDERS, _READ, _EVERYBODY),
    "add_note": _right(Area.ORDERS, _WRITE, _STAFF),
    "list_payments": _right(Area.MONEY, _READ, _STAFF),
    "list_movements": _right(Area.MONEY, _READ, _STAFF),
    "sum_payments": _right(Area.MONEY, _READ, _STAFF),
    "list_differences": _right(Area.MONEY, _READ, _STAFF),
    "verify_order": _right(Area.MONEY, _READ, _STAFF),
    "get_stock": _right(Area.STOCK, _READ, _EVERYBODY),
    "list_stock": _right(Area.STOCK, _READ, _EVERYBODY),
    "receive_stock": _right(Area.STOCK, _WRITE, frozenset({_SERVICE, _OPERATOR, _ADMIN})),
    "adjust_stock": _right(Area.STOCK, _WRITE, _STEERING),
    "open_return": _right(Area.RETURNS, _WRITE, _OF_CUSTOMERS),
    "refund_return": _right(Area.RETURNS, _WRITE, _STAFF),
    "restock_return": _right(Area.RETURNS, _WRITE, frozenset({_SUPPORT, _OPERATOR, _ADMIN})),
    "retry_return": _right(Area.RETURNS, _WRITE, _STEERING),
    "resolve_return": _right(Area.RETURNS, _WRITE, frozenset({_OPERATOR, _FINANCE, _ADMIN})),
    "report_scan": _right(Area.ORDERS, _WRITE, frozenset({_SERVICE, _OPERATOR, _ADMIN})),
    "retry_parcel": _right(Area.ORDERS, _WRITE, _STEERING),
    "resolve_parcel": _right(Area.ORDERS, _WRITE, _STEERING),
    "list_returns": _right(Area.RETURNS, _READ, _EVERYBODY),
    "list_parcels": _right(Area.ORDERS, _READ, _EVERYBODY),
    "list_demand": _right(Area.MONEY, _READ, _STAFF),
    "get_customer": _right(Area.ORDERS, _READ, _STAFF),
    "list_audit": _right(Area.AUDIT, _READ, _STAFF),
    "list_refusals": _right(Area.AUDIT, _READ, frozenset({_ADMIN})),
    "get_inbox": _right(Area.ORDERS, _READ, _STAFF),
    "stream_changes": _right(Area.ORDERS, _READ, _EVERYBODY),
    "search": _right(Area.ORDERS, _READ, _STAFF),
    "list_projections": _right(Area.SYSTEM, _READ, frozenset({_OPERATOR, _ADMIN})),
    "list_providers": _right(Area.SYSTEM, _READ, _STEERING),
    "list_repairs": _right(Area.SYSTEM, _READ, _STEERING),
    "get_repair": _right(Area.SYSTEM, _READ, _STEERING),
    "replay_projection": _right(Area.SYSTEM, _WRITE, _STEERING),
    "rebuild_projection": _right(Area.SYSTEM, _WRITE, _STEERING),
    "get_notifications": _right(Area.SYSTEM, _READ, frozenset({_OPERATOR, _ADMIN})),
    "resend_notifications": _right(Area.SYSTEM, _WRITE, _STEERING),
    "list_notifications": _right(Area.SYSTEM, _READ, frozenset({_OPERATOR, _ADMIN})),
}
"""Every operation of the API by its id; an operation that is not here does not start."""
