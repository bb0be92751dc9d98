"""The search attributes that the workflows set."""

from typing import Any, Final

from temporalio.common import (
    SearchAttributeKey,
)

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
"""OrderStatus while the customer's money, or the hold on it, is still to be given back."""
