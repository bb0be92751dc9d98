"""Search attributes that the saga needs on the server."""

from collections.abc import Sequence
from typing import Any

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from workflows.common.search_attributes import ALL_ATTRIBUTES

_log = structlog.stdlib.get_logger(__name__)


class SearchAttributeMismatch(Exception):
    """A search attribute of that name exists with another type; the text says which."""


async def missing_search_attributes(client: Client) -> list[SearchAttributeKey[Any]]:
    """The saga's search attributes that the namespace lacks.

    Raises:
        SearchAttributeMismatch: one exists with another type.
        RPCError: the server could not be asked.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    known = dict(listed.custom_attributes)
    for key in ALL_ATTRIBUTES:
        wanted = IndexedValueType.ValueType(int(key.indexed_value_type))
        if known.get(key.name, wanted) != wanted:
            raise SearchAttributeMismatch(
                f"search attribute {key.name} exists with another type: "
                f"remove it with 'temporal operator search-attribute remove --name {key.name}'"
            )
    return [key for key in ALL_ATTRIBUTES if key.name not in known]


async def ensure_search_attributes(client: Client) -> Sequence[str]:
    """Register what is missing; returns the names that were. Several may do so at once.

    Raises:
        SearchAttributeMismatch: one exists with another type.
        RPCError: the server could not be asked, or has no room for more attributes.
    """
    missing = await missing_search_attributes(client)
    if not missing:
        return ()
    request = AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes={
            key.name: IndexedValueType.ValueType(int(key.indexed_value_type)) for key in missing
        },
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        # Another worker that starts at the same moment was faster, with all or some of them.
        if error.status is not RPCStatusCode.ALREADY_EXISTS and await missing_search_attributes(
            client
        ):
            raise
    return tuple(key.name for key in missing)
