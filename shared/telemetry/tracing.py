"""Traces of one process: from a request, through the records of the log, to the rows.

Without `start_traces` nothing is recorded, and asking costs a comparison. What a span may say is an allow-list: sizes,
counts, names of topics and routes, never anything that came with an event.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar, Token
from enum import Enum
from time import time_ns
from types import TracebackType
from typing import Final, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes, AttributeValue

from shared.telemetry.resource import describe_process

MAX_LINKS: Final = 128
"""Of one span; a batch of more traces leaves the rest out."""
ALLOWED_ATTRIBUTES: Final = frozenset(
    {
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "messaging.batch.message_count",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "parcours.events",
        "parcours.items",
        "parcours.late_events",
        "parcours.points",
        "parcours.refused",
        "parcours.rejects",
        "parcours.size_bytes",
    }
)
"""All that a span may say; the rest is left out where a span is made."""

_TRACEPARENT: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)

_tracer: trace.Tracer | None = None
_current: ContextVar["Span | None"] = ContextVar("parcours_span", default=None)


def start_traces(service: str, otlp_endpoint: str, instance: str = "", version: str = "") -> Callable[[], None]:
    """Record spans from now on and export them to the collector; gives what ends that. Without an endpoint nothing begins.

    How many requests are traced is decided by OpenTelemetry's own variables (`OTEL_TRACES_SAMPLER`); by default all.
    """
    global _tracer
    if not otlp_endpoint:
        return lambda: None
    from shared.telemetry.export import spans_by_otlp  # noqa: PLC0415  # slow to import, and seldom needed

    processor, ended = spans_by_otlp(otlp_endpoint)
    provider = TracerProvider(
        resource=describe_process(service, instance, version),
        span_limits=SpanLimits(max_links=MAX_LINKS, max_span_attributes=len(ALLOWED_ATTRIBUTES), max_events=0),
        shutdown_on_exit=False,
    )
    provider.sampler = _FollowLinks(provider.sampler)
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("parcours")

    def end() -> None:
        global _tracer
        _tracer = None
        ended()

    return end


def enabled() -> bool:
    """Whether spans are recorded."""
    return _tracer is not None


def current_traceparent() -> str:
    """The W3C text of the span under way in this task or thread; empty without one, and for one that is not sampled."""
    span = None if _tracer is None else _current.get()
    return "" if span is None else span.traceparent


def parse_traceparent(text: str) -> SpanContext | None:
    """The span that a `traceparent` names; `None` unless it is valid by W3C's Trace Context, level 1."""
    found = _TRACEPARENT.fullmatch(text) if len(text) <= 256 else None
    if found is None or (found[1] == "00" and found[5]):
        return None
    flags = TraceFlags(int(found[4], 16) & TraceFlags.SAMPLED)
    context = SpanContext(int(found[2], 16), int(found[3], 16), is_remote=True, trace_flags=flags)
    return context if context.is_valid else None


class Span:
    """A span under way: a context manager, within which it is the current one. Not recorded while traces are off.

    What goes through it as an exception leaves its type, never its text.
    """

    __slots__ = ("_span", "_token", "traceparent")

    def __init__(self, span: trace.Span | None) -> None:
        self._span = span
        self._token: Token[Span | None] | None = None
        self.traceparent = "" if span is None else _text(span.get_span_context())

    def set(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add attributes."""
        if self._span is not None:
            self._span.set_attributes(_allowed(attributes))

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""
        if self._span is not None:
            self._span.update_name(name)

    def fail(self, error_type: str) -> None:
        """It did not do what it was for."""
        if self._span is not None:
            self._span.set_attribute("error.type", error_type)
            self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """It is over; harmless when repeated."""
        if self._span is not None and self._span.is_recording():
            self._span.end()

    def __enter__(self) -> Self:
        if self._span is not None:
            self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
            self._token = None
        if kind is not None:
            self.fail(kind.__name__)
        self.end()


NO_SPAN: Final = Span(None)


def request_span(name: str, traceparent: str, attributes: Mapping[str, AttributeValue]) -> Span:
    """The span of a request: the child of the caller's, where its `traceparent` is valid."""
    if _tracer is None:
        return NO_SPAN
    return _start(_tracer, name, SpanKind.SERVER, parse_traceparent(traceparent), [], attributes, None)


class Parent(Enum):
    """Whose child the span of a batch is; it links to all other origins."""

    FIRST = "first"
    """The first origin's."""
    ONLY = "only"
    """Of the origins' trace if there is only one; else it begins a trace."""
    NONE = "none"
    """It begins a trace."""


class Origins:
    """The spans that the parts of one batch come from: at most `MAX_LINKS` different ones are kept."""

    __slots__ = ("_since_ns", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._since_ns = 0

    def add(self, traceparent: str) -> None:
        """A part comes from this span (empty: from none)."""
        if traceparent and _tracer is not None and len(self._texts) < MAX_LINKS:
            if not self._texts:
                self._since_ns = time_ns()
            self._texts[traceparent] = None

    def __bool__(self) -> bool:
        return bool(self._texts)

    def span(self, name: str, kind: SpanKind, parent: Parent, attributes: Mapping[str, AttributeValue]) -> Span:
        """The span of the batch, which began with its first part; forgets its origins.

        There is none without origins, or while traces are off.
        """
        texts, self._texts = self._texts, {}
        if _tracer is None or not texts:
            return NO_SPAN
        origins = [found for text in texts if (found := parse_traceparent(text)) and found.trace_flags.sampled]
        if not origins:
            return NO_SPAN
        one_trace = len({origin.trace_id for origin in origins}) == 1
        is_child = parent is Parent.FIRST or (parent is Parent.ONLY and one_trace)
        first = origins.pop(0) if is_child else None
        return _start(_tracer, name, kind, first, origins, attributes, self._since_ns)


def process_span(
    name: str, traceparents: Iterable[str], parent: Parent, attributes: Mapping[str, AttributeValue]
) -> Span:
    """The span of taking in a batch of records whose traces are given."""
    origins = Origins()
    for text in traceparents:
        origins.add(text)
    return origins.span(name, SpanKind.CONSUMER, parent, attributes)


def _start(
    tracer: trace.Tracer,
    name: str,
    kind: SpanKind,
    parent: SpanContext | None,
    links: Sequence[SpanContext],
    attributes: Mapping[str, AttributeValue],
    start_ns: int | None,
) -> Span:
    context = Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context())
    span = tracer.start_span(
        name,
        context,
        kind,
        _allowed(attributes),
        [Link(origin) for origin in links],
        start_time=start_ns,
        record_exception=False,
        set_status_on_exception=False,
    )
    return Span(span)


def _allowed(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if name in ALLOWED_ATTRIBUTES}


def _text(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01" if context.trace_flags.sampled else ""


class _FollowLinks(Sampler):
    """A batch that comes from sampled spans is sampled, else the path of an event would end there."""

    def __init__(self, otherwise: Sampler) -> None:
        self._otherwise = otherwise

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: trace.TraceState | None = None,
    ) -> SamplingResult:
        if links:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return self._otherwise.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"FollowLinks({self._otherwise.get_description()})"
