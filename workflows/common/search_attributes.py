"""The search attributes of the workflows. They are never encrypted and hold no personal data."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair

ORDER_STATUS: Final = SearchAttributeKey.for_keyword("OrderStatus")
SAGA_STEP: Final = SearchAttributeKey.for_keyword("SagaStep")
CUSTOMER_ID: Final = SearchAttributeKey.for_keyword("CustomerId")
NEEDS_ATTENTION: Final = SearchAttributeKey.for_bool("NeedsAttention")
ORDER_TOTAL_MINOR: Final = SearchAttributeKey.for_int("OrderTotalMinor")

ALL_ATTRIBUTES: Final[tuple[SearchAttributeKey[Any], ...]] = (
    ORDER_STATUS,
    SAGA_STEP,
    CUSTOMER_ID,
    NEEDS_ATTENTION,
    ORDER_TOTAL_MINOR,
)

REFUND_PENDING: Final = "refund_pending"
"""OrderStatus while the customer's money, or an authorisation, is still to be given back."""


class SearchAttributes:
    """The search attributes of one workflow; only those that changed are written."""

    def __init__(self) -> None:
        self._written: dict[str, Any] = {}

    def begin(self, initial: Iterable[SearchAttributePair[Any]]) -> None:
        """Write the initial values, unless the client has set all of them at the start."""
        pairs = list(initial)
        self._written = {pair.key.name: pair.value for pair in pairs}
        current = workflow.info().typed_search_attributes
        if any(current.get(pair.key) != pair.value for pair in pairs):
            workflow.upsert_search_attributes([pair.key.value_set(pair.value) for pair in pairs])

    def write(self, values: Mapping[SearchAttributeKey[Any], Any]) -> None:
        """Write the values that changed since they were last written."""
        changes = [
            key.value_set(value)
            for key, value in values.items()
            if self._written.get(key.name) != value
        ]
        self._written.update({key.name: value for key, value in values.items()})
        if changes:
            workflow.upsert_search_attributes(changes)
