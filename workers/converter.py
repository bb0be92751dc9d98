"""How payloads travel: JSON, with dataclasses, times and enumerations as pydantic writes them.

Every client and worker of ours uses it; clients in other languages send plain JSON.
"""

from typing import Final

from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

# Temporal makes a converter for each saga. What pydantic works out for a type costs more than all
# else that a saga does, so all converters of a process share it.
_JSON: Final = PydanticJSONPlainPayloadConverter()


class SharedPydanticConverter(CompositePayloadConverter):
    """Temporal's pydantic converter, with one memory of types for the whole process."""

    def __init__(self) -> None:
        super().__init__(
            *(
                _JSON if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


DATA_CONVERTER: Final = DataConverter(payload_converter_class=SharedPydanticConverter)
