"""The data converter: JSON, with dataclasses, times and enumerations as pydantic writes them.

Our clients and workers use it; clients in other languages send plain JSON.
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

# Temporal creates a converter for each saga. Building pydantic's schema of a type costs more than
# everything else that a saga does, so all converters of a process share one.
_JSON: Final = PydanticJSONPlainPayloadConverter()


class SharedPydanticConverter(CompositePayloadConverter):
    """Temporal's pydantic converter, with one cache of types for the whole process."""

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
        """As Temporal's, but two or more inputs become one value, which every handler refuses.

        Temporal passes no types if there are more inputs than parameters. Decoding such inputs, or
        calling with too many, would fail the workflow task, which Temporal would retry for ever.
        """
        if len(payloads) > 1 and not type_hints:
            return [SEVERAL_INPUTS]
        return super().from_payloads(payloads, type_hints)


DATA_CONVERTER: Final = DataConverter(payload_converter_class=SharedPydanticConverter)
