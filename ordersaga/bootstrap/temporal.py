"""Connects to Temporal."""

import os
from collections.abc import Sequence
from typing import Any

from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import Unreachable
from workers.converter import DATA_CONVERTER


def temporal_config(settings: Settings) -> dict[str, Any]:
    """Arguments that connect a Temporal client; `target_host` is always among them."""
    if settings.embedded_temporal_address and not os.environ.get("TEMPORAL_ADDRESS"):
        return {"target_host": settings.embedded_temporal_address, "namespace": "default"}
    return {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}


async def connect_temporal(
    settings: Settings,
    *,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> Client:
    """Connect to the configured Temporal server.

    Raises:
        Unreachable: it does not answer.
    """
    config = temporal_config(settings)
    try:
        return await Client.connect(
            **config, data_converter=DATA_CONVERTER, runtime=runtime, interceptors=interceptors
        )
    except (RuntimeError, RPCError):
        raise Unreachable(
            f"Temporal at {config['target_host']} does not answer: "
            "check TEMPORAL_ADDRESS or start `ordersaga up`"
        ) from None
