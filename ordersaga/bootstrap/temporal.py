"""Connects to Temporal."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final

from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import KeepAliveConfig, RPCError

from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import Unreachable
from workers.converter import DATA_CONVERTER

_CONNECT_WITHIN_S: Final = 5.0
# A connection that died without a word is replaced within 15 s. Servers refuse more frequent pings.
_KEEP_ALIVE: Final = KeepAliveConfig(interval_millis=10_000, timeout_millis=5_000)


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
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            return await Client.connect(
                **config,
                data_converter=DATA_CONVERTER,
                runtime=runtime,
                interceptors=interceptors,
                keep_alive_config=_KEEP_ALIVE,
            )
    except (RuntimeError, RPCError, TimeoutError):
        raise Unreachable(
            f"Temporal at {config['target_host']} does not answer: "
            "check TEMPORAL_ADDRESS or start `ordersaga up`"
        ) from None
