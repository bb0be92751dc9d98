"""Sends traces to an OpenTelemetry collector."""

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from temporalio.client import Interceptor
from temporalio.contrib.opentelemetry import TracingInterceptor


def export_traces(collector_url: str, service: str) -> Sequence[Interceptor]:
    """Export the traces of this process.

    Args:
        collector_url: base URL of the collector (HTTP).
        service: the name of the process in the traces.

    Returns:
        Interceptors for the Temporal client.
    """
    provider = TracerProvider(resource=Resource({"service.name": f"ordersaga-{service}"}))
    exporter = OTLPSpanExporter(endpoint=f"{collector_url.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return (TracingInterceptor(),)
