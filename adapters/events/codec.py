"""Domain events to JSON and back.

Objects become JSON objects with every field, ids and enumerations text, tuples lists, times ISO
8601 with offset, money whole minor units. Values are checked when they are read, so a damaged row
is found where it is and not three steps later.
"""

from collections.abc import Sequence
from typing import Any, Final, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from adapters.events.upcasters import UpcasterChain
from domain.errors import DomainError
from domain.events import Event
from domain.values import Redacted
from eventstore.codec import EncodedEvent
from eventstore.errors import UndecodableEvent, UnknownEventType
from eventstore.model import StoredEvent

EVENT_CLASSES: Final[tuple[type[Any], ...]] = get_args(Event)

_EXACT: Final = ("int", "str", "bool")
_VARIANTS: Final = ("Address", "str", "Redacted")
"""What a personal field may hold, as pydantic names it in the path of an error."""


def _exact(schema: Any) -> Any:
    """The schema with numbers and text taken as they are: 3.0 and "3" are not 3.

    Times, enumerations and tuples stay lenient, as JSON has no form of its own for them.
    """
    if isinstance(schema, list | tuple):
        return [_exact(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {"strict": True} if schema.get("type") in _EXACT else {}
    return {key: _exact(part) for key, part in schema.items()} | strict


def _problems(error: ValidationError) -> str:
    """The fields and what is wrong with them; a personal field is named once, not per variant."""
    found = error.errors(include_input=False, include_url=False)
    wanted = [part for part in found if Redacted.__name__ not in part["loc"]]
    return "; ".join(
        f"{'.'.join(str(step) for step in part['loc'] if step not in _VARIANTS)}: {part['type']}"
        for part in wanted or found
    )


class JsonEventCodec:
    """The EventCodec over all classes of `domain.events`.

    Args:
        classes: the event classes; the class name is the stored event type.
        upcasters: how older forms are read; by default those that were ever shipped.
    """

    def __init__(
        self,
        classes: Sequence[type[Any]] = EVENT_CLASSES,
        upcasters: UpcasterChain | None = None,
    ) -> None:
        self._chain = upcasters or UpcasterChain([cls.__name__ for cls in classes])
        adapters = {cls: TypeAdapter[Any](cls) for cls in classes}
        # Bound once: the codec is on the path of every append and every load.
        self._encoders = {
            cls: (
                cls.__name__,
                self._chain.current_version(cls.__name__),
                adapter.serializer.to_python,
            )
            for cls, adapter in adapters.items()
        }
        self._decoders = {
            cls.__name__: SchemaValidator(_exact(adapter.core_schema)).validate_python
            for cls, adapter in adapters.items()
        }

    def encode(self, event: Any) -> EncodedEvent:
        """The stored form of `event`; raises UnknownEventType for any other object."""
        known = self._encoders.get(type(event))
        if known is None:
            raise UnknownEventType(type(event).__name__, 0)
        event_type, version, to_python = known
        return EncodedEvent(event_type, version, to_python(event, mode="json"))

    def decode(self, stored: StoredEvent) -> Any:
        """The event object, in today's form.

        Raises:
            UnknownEventType: a newer version of this program may have written it.
            UndecodableEvent: the data does not fit the type; the text names fields, no values.
        """
        name, data = self._chain.upcast(stored.event_type, stored.schema_version, stored.data)
        try:
            return self._decoders[name](data)
        except ValidationError as error:
            problems = _problems(error)
        except DomainError as error:
            problems = str(error)
        # Raised outside of the handlers: the original error would carry personal data along.
        raise UndecodableEvent(stored.stream, stored.version, stored.event_type, problems)
