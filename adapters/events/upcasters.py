"""How events that were stored in an older form become events of today.

An upcaster is a pure function from the stored data of version n to that of version n + 1. To change
an event class: write the upcaster, enter it below under (event type, n), and keep a sample of the
old form among the test data for ever. Nothing stored is ever rewritten.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from eventstore.errors import UnknownEventType
from eventstore.model import JsonObject

Upcaster = Callable[[JsonObject], JsonObject]

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {}
"""Keyed by event type and the version that the upcaster reads."""

RENAMED: Final[Mapping[str, str]] = {}
"""Event types whose class has another name today: old name to new name."""


class BrokenChain(Exception):
    """The table of upcasters has a gap, a stray entry or a name that leads nowhere."""


class UpcasterChain:
    """Leads stored data of any older version to the current one.

    Args:
        event_types: the types known today.
        upcasters: the steps; a type without any is at version 1.
        renamed: old type names; a chain counts on under the new name.

    Raises:
        BrokenChain: the tables are not consistent.
    """

    def __init__(
        self,
        event_types: Iterable[str],
        upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
        renamed: Mapping[str, str] = RENAMED,
    ) -> None:
        self._upcasters = dict(upcasters)
        self._renamed = dict(renamed)
        self._current = {
            event_type: 1 + sum(name == event_type for name, _ in self._upcasters)
            for event_type in event_types
        }
        self._check()

    def current_version(self, event_type: str) -> int:
        """The schema version that is written today; raises KeyError for an unknown type."""
        return self._current[event_type]

    def upcast(
        self, event_type: str, schema_version: int, data: JsonObject
    ) -> tuple[str, JsonObject]:
        """Today's name of the type, and the data in today's form.

        Raises:
            UnknownEventType: the type or its version is newer than this code, or never existed.
        """
        name = self._renamed.get(event_type, event_type)
        current = self._current.get(name)
        if current is None or not 1 <= schema_version <= current:
            raise UnknownEventType(event_type, schema_version)
        for version in range(schema_version, current):
            data = self._upcasters[name, version](data)
        return name, data

    def _check(self) -> None:
        for event_type, version in self._upcasters:
            if event_type not in self._current:
                raise BrokenChain(f"there is no event type {event_type!r} to upcast to")
            if not 1 <= version < self._current[event_type]:
                raise BrokenChain(f"the upcasters of {event_type!r} do not reach {version} from 1")
        for old, new in self._renamed.items():
            if new not in self._current or old in self._current:
                raise BrokenChain(f"{old!r} cannot stand for {new!r}")
