"""A collector for tests: receives OTLP over HTTP, keeps every byte as it was before compression, and decodes the spans."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class SpanId(NamedTuple):
    """What names a span, in hexadecimal; `span` is empty for no span."""

    trace: str
    span: str


class SeenSpan(NamedTuple):
    """A span as it was exported."""

    service: str
    name: str
    id: SpanId
    parent: SpanId
    links: tuple[SpanId, ...]
    attributes: dict[str, Any]
    resource: dict[str, Any]
    other: str
    """Whatever else it says: events, status, trace state; empty where it should be."""


class Receiver:
    """What was exported so far."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.url = ""

    def spans(self) -> list[SeenSpan]:
        """Every span, in the order of arrival."""
        return [span for path, body in list(self.bodies) if path == "/v1/traces" for span in _spans(body)]

    def metric_names(self) -> set[tuple[str, str]]:
        """(service, name) of every metric."""
        found = set()
        for path, body in list(self.bodies):
            if path != "/v1/metrics":
                continue
            for each in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                service = _values(each.resource.attributes)["service.name"]
                found |= {(service, metric.name) for scope in each.scope_metrics for metric in scope.metrics}
        return found

    def everything(self) -> bytes:
        """All bytes of all signals."""
        return b"\n".join(body for _, body in list(self.bodies))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A collector on a port of its own."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.bodies.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(body: bytes) -> Iterator[SeenSpan]:
    for each in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(each.resource.attributes)
        for span in (span for scope in each.scope_spans for span in scope.spans):
            trace = span.trace_id.hex()
            yield SeenSpan(
                service=resource["service.name"],
                name=span.name,
                id=SpanId(trace, span.span_id.hex()),
                parent=SpanId(trace, span.parent_span_id.hex()),
                links=tuple(SpanId(link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                attributes=_values(span.attributes),
                resource=resource,
                other="".join([*map(str, span.events), span.status.message, span.trace_state]),
            )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
