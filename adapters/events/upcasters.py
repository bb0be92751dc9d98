"""Convert stored events of older schema versions to the current one.

An upcaster is a pure function from the stored data of version n to that of version n + 1. To change
an event class: write the upcaster, register it below under (event type, n), and keep a sample of
the old form in the test data for ever. Stored events are never rewritten.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from eventstore.errors import UnknownEventType
from eventstore.model import JsonObject

Upcaster = Callable[[JsonObject], JsonObject]

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {}
"""Upcasters by event type and the version that they read."""

RENAMED: Final[Mapping[str, str]] = {}
"""Event types whose class was renamed: old name to new name."""


class BrokenChain(Exception):
    """The upcasters have a gap, an entry without an event type, or a wrong rename."""


class UpcasterChain:
    """Converts stored data of any version to the current one.

    Args:
        event_types: all current types.
        upcasters: a type without any is at version 1.
        renamed: old type names; versions continue under the new name.

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
        """The schema version that is written now; raises KeyError for an unknown type."""
        return self._current[event_type]

    def upcast(
        self, event_type: str, schema_version: int, data: JsonObject
    ) -> tuple[str, JsonObject]:
        """The current name of the type, and the data in its current form.

        Raises:
            UnknownEventType: the type or its version does not exist in this program.
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
                raise BrokenChain(f"there is no event type {event_type!r}")
            if not 1 <= version < self._current[event_type]:
                raise BrokenChain(
                    f"the upcasters of {event_type!r} have a gap before version {version}"
                )
        for old, new in self._renamed.items():
            if new not in self._current or old in self._current:
                raise BrokenChain(f"{old!r} cannot be renamed to {new!r}")
