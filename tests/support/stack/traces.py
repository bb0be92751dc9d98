"""A collector of OpenTelemetry traces that remembers what it was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """A span as it was sent."""

    service: str
    name: str
    trace_id: str
    text: str


class Collector:
    """Takes traces over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            names = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.spans += [
                Span(names["service.name"], span.name, span.trace_id.hex(), str(span))
                for scope in resource.scope_spans
                for span in scope.spans
            ]
        return web.Response()


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        collector.url = f"http://{host}:{port}"
        yield collector
    finally:
        await runner.cleanup()
