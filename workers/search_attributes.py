"""Registers the search attributes that the workflows need on the server."""

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
    """A search attribute exists with another type; the text names it."""


async def missing_search_attributes(client: Client) -> list[SearchAttributeKey[Any]]:
    """The search attributes that the namespace lacks.

    Raises:
        SearchAttributeMismatch: one exists with another type.
        RPCError: the server could not be asked.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    registered = dict(listed.custom_attributes)
    for key in ALL_ATTRIBUTES:
        indexed_type = IndexedValueType.ValueType(int(key.indexed_value_type))
        if registered.get(key.name, indexed_type) != indexed_type:
            raise SearchAttributeMismatch(
                f"search attribute {key.name} exists with another type: "
                f"remove it with 'temporal operator search-attribute remove --name {key.name}'"
            )
    return [key for key in ALL_ATTRIBUTES if key.name not in registered]


async def ensure_search_attributes(client: Client) -> Sequence[str]:
    """Register what is missing; returns the names. Several workers may do so at once.

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
        # Another worker that started at the same moment registered some or all of them first.
        if error.status is not RPCStatusCode.ALREADY_EXISTS and await missing_search_attributes(
            client
        ):
            raise
    return tuple(key.name for key in missing)
