"""Domain events to JSON and back.

Objects become JSON objects with every field; ids and enumerations become text, tuples lists, times
ISO 8601 with offset, money integer minor units. Values are validated when they are read, so that
a damaged row is reported as such.
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
_VARIANTS: Final = ("Address", "Contact", "str", "Redacted")
"""The types of a personal field, as pydantic names them in the path of an error."""


def _exact(schema: Any) -> Any:
    """The schema that does not convert numbers and text: neither 3.0 nor "3" is accepted as 3.

    Times, enumerations and tuples stay lenient, because JSON has no types for them.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(_exact(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    strict = {"strict": True} if schema.get("type") in _EXACT else {}
    return {key: _exact(part) for key, part in schema.items()} | strict


def _problems(error: ValidationError) -> str:
    """The invalid fields and why; a personal field is named once, not for each of its types."""
    errors = error.errors(include_input=False, include_url=False)
    relevant = [part for part in errors if Redacted.__name__ not in part["loc"]]
    return "; ".join(
        f"{'.'.join(str(step) for step in part['loc'] if step not in _VARIANTS)}: {part['type']}"
        for part in relevant or errors
    )


class JsonEventCodec:
    """The EventCodec over all classes of `domain.events`.

    Args:
        classes: the event classes; the class name is the stored event type.
        upcasters: read older forms; by default all upcasters of this program.
    """

    def __init__(
        self,
        classes: Sequence[type[Any]] = EVENT_CLASSES,
        upcasters: UpcasterChain | None = None,
    ) -> None:
        self._chain = upcasters or UpcasterChain([cls.__name__ for cls in classes])
        adapters = {cls: TypeAdapter[Any](cls) for cls in classes}
        # Prepared once: every append and every load uses the codec.
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
        """The stored form of `event`; raises UnknownEventType for any other class."""
        encoder = self._encoders.get(type(event))
        if encoder is None:
            raise UnknownEventType(type(event).__name__, 0)
        event_type, version, to_python = encoder
        return EncodedEvent(event_type, version, to_python(event, mode="json"))

    def decode(self, stored: StoredEvent) -> Any:
        """The event object in its current form.

        Raises:
            UnknownEventType: perhaps a newer version of this program wrote it.
            UndecodableEvent: the data is not valid for the type; the text names fields, not values.
        """
        name, data = self._chain.upcast(stored.event_type, stored.schema_version, stored.data)
        try:
            return self._decoders[name](data)
        except ValidationError as error:
            problems = _problems(error)
        except DomainError as error:
            problems = str(error)
        # Raised outside the handlers: its context would be the original error with personal data.
        raise UndecodableEvent(stored.stream, stored.version, stored.event_type, problems)
