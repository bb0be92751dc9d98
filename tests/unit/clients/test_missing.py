"""A workflow that Temporal does not have, and one that has ended, are two answers."""

import pytest
from ordersaga_client.errors import NotFound, NotPossibleNow
from ordersaga_client.failures import missing
from temporalio.service import RPCError, RPCStatusCode


@pytest.mark.parametrize(
    ("status", "message", "answer"),
    [
        (RPCStatusCode.NOT_FOUND, "workflow execution already completed", NotPossibleNow),
        (
            RPCStatusCode.NOT_FOUND,
            "workflow update was aborted by closing workflow",
            NotPossibleNow,
        ),
        (RPCStatusCode.NOT_FOUND, "workflow not found for ID: delivery-A1", NotFound),
        (RPCStatusCode.NOT_FOUND, "sql: no rows in result set", NotFound),
        (RPCStatusCode.UNAVAILABLE, "already completed its shutdown", RPCError),
    ],
)
def test_what_temporal_says_is_told_as_what_it_means(
    status: RPCStatusCode, message: str, answer: type[Exception]
) -> None:
    assert type(missing(RPCError(message, status, b""), "parcel of order A1")) is answer
