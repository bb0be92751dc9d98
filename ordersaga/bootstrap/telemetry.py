"""Traces and metrics; both are off unless a setting turns them on."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from eventstore.model import Metadata
from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import Refused

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


async def flush_traces(timeout_s: float = 0.3) -> None:
    """Send the traces that are still buffered; call it before a process ends.

    The exporter does not obey its time limit where the collector is silent: it gets a thread that
    does not keep the process alive.
    """
    provider: Any = trace.get_tracer_provider()
    if not hasattr(provider, "force_flush"):
        return
    loop, flushed = asyncio.get_running_loop(), asyncio.Event()

    def flush() -> None:
        with contextlib.suppress(Exception):  # traces are not worth more
            provider.force_flush(int(timeout_s * 1000))
        with contextlib.suppress(RuntimeError):  # nobody waited for so long
            loop.call_soon_threadsafe(flushed.set)

    threading.Thread(target=flush, name="flush traces", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(flushed.wait(), timeout_s)


def temporal_runtime(settings: Settings) -> "Runtime":
    """A Temporal runtime: its log goes to ours, and it serves Prometheus metrics if a port is set.

    Raises:
        Refused: the metrics port is taken.
    """
    from temporalio import runtime  # noqa: PLC0415  read models without metrics need no Temporal

    logs = runtime.LoggingConfig(
        # What it warns of, each retry of a poll, is said once by the process that watches Temporal.
        filter=runtime.TelemetryFilter(core_level="ERROR", other_level="ERROR"),
        forwarding=runtime.LogForwardingConfig(logging.getLogger("temporalio.core")),
    )
    metrics = None
    if settings.metrics_port is not None:
        metrics = runtime.PrometheusConfig(
            bind_address=f"{settings.bind_host}:{settings.metrics_port}",
            durations_as_seconds=True,
            counters_total_suffix=True,
            unit_suffix=True,
        )
    try:
        return runtime.Runtime(telemetry=runtime.TelemetryConfig(logging=logs, metrics=metrics))
    except (RuntimeError, ValueError, OSError):
        raise Refused(
            f"cannot serve metrics on port {settings.metrics_port}: it is taken"
        ) from None


def metrics_runtime(settings: Settings) -> "Runtime | None":
    """The runtime of a process that needs no Temporal; None if no metrics port is set."""
    return None if settings.metrics_port is None else temporal_runtime(settings)


def with_current_trace(metadata: Metadata) -> Metadata:
    """The metadata with the W3C trace context of the current span, unless it has one already."""
    context: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(context)
    traceparent = context.get("traceparent") if metadata.traceparent is None else None
    return metadata if traceparent is None else metadata.with_traceparent(traceparent)
