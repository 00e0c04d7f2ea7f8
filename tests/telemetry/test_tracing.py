"""Spans: what they accept from outside, whose children they are, and what they cost when nobody collects them."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanKind

from shared.telemetry import tracing
from shared.telemetry.tracing import MAX_LINKS, NO_SPAN, Origins, Parent, parse_traceparent, process_span, request_span
from tests.telemetry.receiver import Receiver, SeenSpan, receiving

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def text(trace: int, span: int, flags: str = "01") -> str:
    """A traceparent."""
    return f"00-{trace:032x}-{span:016x}-{flags}"


@pytest.fixture
def collector() -> Iterator[Receiver]:
    """A collector to which this process exports until the test calls `ended`."""
    with receiving() as receiver, contextlib.ExitStack() as stack:
        stack.callback(tracing.start_traces("test", receiver.url, "here", "1"))
        yield receiver


def ended(receiver: Receiver) -> list[SeenSpan]:
    """Wait for what was exported."""
    deadline = time.monotonic() + 10
    while not receiver.bodies and time.monotonic() < deadline:
        time.sleep(0.05)
    return receiver.spans()


def test_a_valid_traceparent_is_accepted() -> None:
    """Also one of a later version, whatever follows; its sampled bit is kept, other bits are not."""
    for valid in (f"00-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-03-what-comes-later"):
        found = parse_traceparent(valid)
        assert found is not None
        assert (f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags) == (TRACE, SPAN, 1)
    unsampled = parse_traceparent(f"00-{TRACE}-{SPAN}-02")
    assert unsampled is not None
    assert not unsampled.trace_flags.sampled


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 1_000}",
    ],
)
def test_an_invalid_traceparent_is_as_none(wrong: str) -> None:
    """By W3C's Trace Context: version, lengths, lower case, and no id of zeros."""
    assert parse_traceparent(wrong) is None


@given(st.text())
def test_no_text_breaks_the_parser(anything: str) -> None:
    """Any text gives a valid span or none."""
    found = parse_traceparent(anything)
    assert found is None or found.is_valid


def test_without_a_collector_nothing_is_recorded() -> None:
    """Every span is the same one that does nothing, also for parts that bring a trace."""
    assert request_span("GET", text(1, 1), {}) is NO_SPAN
    assert process_span("load", [text(1, 1)], Parent.NONE, {}) is NO_SPAN
    with NO_SPAN as span:
        span.set({"http.route": "/"})
        span.fail("x")
        assert (span.traceparent, tracing.current_traceparent()) == ("", "")


def test_whose_child_a_batch_is(collector: Receiver) -> None:
    """The first's, or that of the one trace there is, or nobody's; it links to the others, none of them twice."""
    parts = [text(1, 1), "", text(2, 2), text(1, 1), text(3, 3, "00"), "rubbish"]
    process_span("first", parts, Parent.FIRST, {}).end()
    process_span("only", parts, Parent.ONLY, {}).end()
    process_span("one", [text(7, 1), text(7, 2)], Parent.ONLY, {}).end()
    process_span("none", parts[:1], Parent.NONE, {}).end()
    assert process_span("nothing", ["", text(3, 3, "00")], Parent.FIRST, {}) is NO_SPAN
    spans = {span.name: span for span in ended(collector)}
    seen = {
        name: (int(span.parent.span or "0", 16), [int(link.span, 16) for link in span.links])
        for name, span in spans.items()
    }
    assert seen == {"first": (1, [2]), "only": (0, [1, 2]), "one": (1, [2]), "none": (0, [1])}
    assert int(spans["one"].id.trace, 16) == 7


def test_links_are_bounded_and_attributes_are_those_allowed(collector: Receiver) -> None:
    """A batch of a thousand traces links to `MAX_LINKS`; what is not on the list is not told."""
    about = {"parcours.events": 3, "subject": "p1-x", "url.query": "q"}
    process_span("load", [text(n, n) for n in range(1, 1_001)], Parent.NONE, about).end()
    (span,) = ended(collector)
    assert len(span.links) == MAX_LINKS
    assert span.attributes == {"parcours.events": 3}
    assert span.resource == {"service.name": "parcours-test", "service.instance.id": "here", "service.version": "1"}


def fail_within(span: tracing.Span) -> None:
    """Raise an error that quotes somebody."""
    assert tracing.current_traceparent() == span.traceparent != ""
    raise KeyError("tel:+33612345678")


def test_an_error_leaves_its_type_only(collector: Receiver) -> None:
    """Neither the text of an exception nor its stack is told; the span before it is current again."""
    origins = Origins()
    origins.add(text(1, 1))
    with request_span("outer", "", {}) as outer:
        inner = origins.span("inner", SpanKind.CONSUMER, Parent.ONLY, {})
        with pytest.raises(KeyError), inner:
            fail_within(inner)
        assert tracing.current_traceparent() == outer.traceparent
    assert not origins
    span = next(span for span in ended(collector) if span.name == "inner")
    assert (span.attributes, span.other) == ({"error.type": "KeyError"}, "")
    assert b"+33612345678" not in collector.everything()


@pytest.mark.parametrize(("sampler", "sampled"), [("parentbased_always_off", 0), ("parentbased_always_on", 1)])
def test_who_is_traced_is_decided_once(monkeypatch: pytest.MonkeyPatch, sampler: str, sampled: int) -> None:
    """By OpenTelemetry's own variables, where no caller has; a batch of sampled parts is sampled in any case."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    with receiving() as receiver:
        end = tracing.start_traces("test", receiver.url)
        with request_span("new", "", {}) as new:
            assert bool(new.traceparent) == bool(sampled) == bool(tracing.current_traceparent())
        request_span("called", text(1, 1), {}).end()
        request_span("not traced", text(1, 1, "00"), {}).end()
        process_span("load", [text(2, 2), text(3, 3)], Parent.ONLY, {}).end()
        end()
        names = {span.name for span in receiver.spans()}
    assert names == {"called", "load"} | ({"new"} if sampled else set())


AWAY = """
import logging, sys, time
from shared.telemetry import configure_logging, tracing, start_metrics
configure_logging("ingest", sys.stderr)
endpoint = sys.argv[1]
ends = [start_metrics("ingest", endpoint), tracing.start_traces("ingest", endpoint)]
began_s = time.monotonic()
for number in range(20_000):
    tracing.request_span("POST", "", {}).end()
spans_s = time.monotonic() - began_s
time.sleep(3)
began_s = time.monotonic()
for end in ends:
    end()
print(spans_s, time.monotonic() - began_s)
"""


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "does not answer"])
def test_a_collector_that_is_away_costs_one_line(silent: bool) -> None:
    """More spans than the queue holds are dropped without waiting; it is said once, and ending takes two seconds at most."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not silent:
            listener.close()
        done = subprocess.run(
            [sys.executable, "-c", AWAY, f"http://127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    making_s, ending_s = map(float, done.stdout.split())
    assert making_s < 10
    assert ending_s < 3
    lines = done.stderr.splitlines()
    assert len(lines) in ((0, 1) if silent else (1,)), lines  # where it waits, ending may come first
    assert all("the collector of telemetry does not answer" in line for line in lines)
