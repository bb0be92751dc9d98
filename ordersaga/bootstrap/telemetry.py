"""Traces and metrics; both are off unless a setting turns them on."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from eventstore.model import Metadata
from ordersaga.bootstrap.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Interceptor
    from temporalio.runtime import Runtime


def start_tracing(settings: Settings, service: str) -> "Sequence[Interceptor]":
    """Send traces to the configured collector, if there is one.

    Args:
        settings: `otlp_endpoint` turns tracing on.
        service: the name of the process in the traces, such as ``worker-orders``.

    Returns:
        Interceptors for the Temporal client; none if tracing is off.
    """
    if settings.otlp_endpoint is None:
        return ()
    from ordersaga.bootstrap import tracing  # noqa: PLC0415  the SDK, only where tracing is on

    return tracing.export_traces(str(settings.otlp_endpoint), service)


async def flush_traces(timeout_s: float = 2.0) -> None:
    """Send the traces that are still buffered; call it before a process ends."""
    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        await asyncio.to_thread(provider.force_flush, int(timeout_s * 1000))


def temporal_runtime(settings: Settings) -> "Runtime | None":
    """A Temporal runtime that serves Prometheus metrics; None if no port is set."""
    if settings.metrics_port is None:
        return None
    from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig  # noqa: PLC0415  read models without metrics need no Temporal

    metrics = PrometheusConfig(
        bind_address=f"{settings.bind_host}:{settings.metrics_port}",
        durations_as_seconds=True,
        counters_total_suffix=True,
        unit_suffix=True,
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


def with_current_trace(metadata: Metadata) -> Metadata:
    """The metadata with the W3C trace context of the current span, unless it has one already."""
    context: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(context)
    traceparent = context.get("traceparent") if metadata.traceparent is None else None
    return metadata if traceparent is None else metadata.with_traceparent(traceparent)
