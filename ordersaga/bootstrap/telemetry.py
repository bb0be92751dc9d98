"""Traces and metrics, both off unless a setting turns them on."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventstore.model import Metadata

if TYPE_CHECKING:
    from temporalio.client import Interceptor
    from temporalio.runtime import Runtime

    from ordersaga.bootstrap.settings import Settings


def start_tracing(settings: "Settings", service: str) -> "Sequence[Interceptor]":
    """Send traces to the collector of the settings, if there is one.

    Args:
        settings: `otlp_endpoint` turns it on.
        service: the process's name in the traces, such as ``worker-orders``.

    Returns:
        Interceptors for the Temporal client; none when tracing is off.
    """
    if settings.otlp_endpoint is None:
        return ()
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from temporalio.contrib.opentelemetry import TracingInterceptor

    endpoint = f"{str(settings.otlp_endpoint).rstrip('/')}/v1/traces"
    provider = TracerProvider(resource=Resource({"service.name": f"ordersaga-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return (TracingInterceptor(),)


async def flush_traces(timeout_s: float = 2.0) -> None:
    """Send what is still buffered; call it before a process ends."""
    from opentelemetry import trace

    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        await asyncio.to_thread(provider.force_flush, int(timeout_s * 1000))


def temporal_runtime(settings: "Settings") -> "Runtime | None":
    """A Temporal runtime that serves Prometheus metrics, or None when no port is set."""
    if settings.metrics_port is None:
        return None
    from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

    metrics = PrometheusConfig(
        bind_address=f"{settings.bind_host}:{settings.metrics_port}",
        durations_as_seconds=True,
        counters_total_suffix=True,
        unit_suffix=True,
    )
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


def current_traceparent() -> str | None:
    """The W3C trace context of the running span, for an event's metadata; None without one."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def with_current_trace(metadata: Metadata) -> Metadata:
    """The metadata with the running span, unless it names one."""
    traceparent = current_traceparent() if metadata.traceparent is None else None
    return metadata if traceparent is None else metadata.with_traceparent(traceparent)
