"""Roles, and the scopes that narrow a token further than its role does."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import InvalidValue


class Role(StrEnum):
    """What a token is for.

    service: a shop's program that places orders and asks about them. support: people who talk to
    customers. operator: people who keep orders going. finance: people who look after the money.
    admin: whoever runs the installation.
    """

    SERVICE = "service"
    SUPPORT = "support"
    OPERATOR = "operator"
    FINANCE = "finance"
    ADMIN = "admin"


class Area(StrEnum):
    """What an operation of the API is about."""

    ORDERS = "orders"
    STOCK = "stock"
    RETURNS = "returns"
    MONEY = "money"
    AUDIT = "audit"
    SYSTEM = "system"


class Access(StrEnum):
    """What an operation does with it."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One thing that a token may do, written ``orders:read``; writing includes reading."""

    area: Area
    access: Access

    def __str__(self) -> str:
        return f"{self.area}:{self.access}"


SCOPES: Final = tuple(Scope(area, access) for area in Area for access in Access)


def parse_scope(raw: str) -> Scope:
    """The scope that a text names; raises InvalidValue."""
    for scope in SCOPES:
        if str(scope) == raw.strip():
            return scope
    raise InvalidValue("scope", f"must be one of {', '.join(map(str, SCOPES))}")


def covers(scopes: Collection[Scope], needed: Scope) -> bool:
    """Whether a token with these scopes may do what `needed` says; no scopes: no limit."""
    write = Scope(needed.area, Access.WRITE)
    return not scopes or needed in scopes or write in scopes
