"""How payloads travel: JSON, with dataclasses, times and enumerations as pydantic writes them.

Every client and worker of ours uses it; clients in other languages send plain JSON.
"""

from collections.abc import Sequence
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from workflows.documents.messages import SEVERAL_INPUTS

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

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """As Temporal's, but inputs of a number that nothing here takes are not decoded.

        Temporal leaves the types out when a workflow or handler is given more inputs than it has.
        A failure to decode them, or a call with too many, would fail the workflow's task and be
        tried again for ever; the one value in their place is refused like any other bad input.
        """
        if len(payloads) > 1 and not type_hints:
            return [SEVERAL_INPUTS]
        return super().from_payloads(payloads, type_hints)


DATA_CONVERTER: Final = DataConverter(payload_converter_class=SharedPydanticConverter)
