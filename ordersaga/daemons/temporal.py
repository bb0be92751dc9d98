"""Temporal as something that a process needs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Interceptor
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.temporal import connect_temporal, temporal_config
from ordersaga.errors import Unreachable
from workers.search_attributes import SearchAttributeMismatch, ensure_search_attributes

_PROBE_WITHIN: Final = timedelta(seconds=3)


class TemporalNeed:
    """A Temporal server whose namespace has the search attributes of this program.

    Args:
        settings: where it is.
        runtime: serves metrics and takes the log of Temporal's client.
        interceptors: of the client.
    """

    name = "temporal"

    def __init__(
        self, settings: Settings, runtime: Runtime, interceptors: Sequence[Interceptor] = ()
    ) -> None:
        self.place = f"Temporal at {temporal_config(settings)['target_host']}"
        self._settings = settings
        self.runtime = runtime
        self._interceptors = interceptors
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The client, once the need is met."""
        if self._client is None:
            raise RuntimeError("Temporal was not connected")
        return self._client

    async def meet(self) -> None:
        """See `Need.meet`."""
        client = await connect_temporal(
            self._settings, runtime=self.runtime, interceptors=self._interceptors
        )
        try:
            await ensure_search_attributes(client)
        except SearchAttributeMismatch as mismatch:
            raise Unreachable(str(mismatch)) from None
        except RPCError as error:
            raise Unreachable(f"{self.place} {_meaning(error.status)}") from None
        self._client = client

    async def probe(self) -> None:
        """See `Need.probe`; reads the namespace, which Temporal looks up in its own database."""
        request = DescribeNamespaceRequest(namespace=self.client.namespace)
        try:
            await self.client.workflow_service.describe_namespace(
                request, retry=False, timeout=_PROBE_WITHIN
            )
        except RPCError as error:
            raise Unreachable(f"{self.place} {_meaning(error.status)}") from None

    async def close(self) -> None:
        """See `Need.close`; the client has no connection that a server must be told about."""


def _meaning(status: RPCStatusCode) -> str:
    """What Temporal does, as the rest of a sentence, and what to do."""
    if status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
        return "refuses the credentials: check TEMPORAL_API_KEY and the TLS settings"
    if status is RPCStatusCode.NOT_FOUND:
        return "lacks the namespace: check TEMPORAL_NAMESPACE"
    return f"does not answer ({status.name}): check TEMPORAL_ADDRESS or start `ordersaga up`"
