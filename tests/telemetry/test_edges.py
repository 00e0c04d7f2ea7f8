"""One trace leads from the request to the row: each line of the table is found in what a real run exported."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.run.platform import wait_until
from tests.telemetry.receiver import SeenSpan, SpanId
from tests.telemetry.runs import Run, event, new_trace
from tests.telemetry.table import (
    DETECTOR_METRICS,
    EDGES,
    EVENTS_SPAN,
    METRICS,
    OWN_SPAN,
    PUBLISHER,
    REQUEST,
    RESOURCE,
    SPANS,
    Edge,
)

PUBLISHED = new_trace()
ALONE_S = 1.2
"""Longer than a checkpoint waits: what is sent after it is detected by itself."""


@pytest.fixture(scope="module")
def driven(run: Run) -> Run:
    """The run, after what the platform itself asks at its start, and after requests alone, together, in a row, refused, and a question."""
    wait_until(lambda: any(span.name == OWN_SPAN for span in run.receiver.spans()), 60)
    time.sleep(ALONE_S)
    assert run.post(event("first"), parent=PUBLISHED).status_code == 202
    wait_until(lambda: any(span.name == "detect" for span in run.receiver.spans()))
    time.sleep(ALONE_S)
    run.post_at_once(*(event(f"together-{number}") for number in range(4)))
    for number in range(6):
        assert run.post(event(f"row-{number}"), parent=new_trace()).status_code == 202
    assert run.post(event("good"), event("bad", time="yesterday")).status_code == 202
    traceparent = f"00-{PUBLISHED.trace}-{PUBLISHED.span}-01"
    wait_until(
        lambda: (
            httpx.get(
                f"{run.people}/api/v1/frictions", params={"from": "2020-01-01", "purpose": "check-rule"}
            ).status_code
            < 500
        )
    )
    httpx.get(f"{run.people}/api/v1/frictions?purpose=check-rule", headers={"traceparent": traceparent})
    return run


def lines(run: Run, edge: Edge) -> Iterator[tuple[SpanId, SeenSpan]]:
    """The pairs of spans that an edge of the table connects."""
    spans = run.receiver.spans()
    sources = {
        span.id for span in spans if (span.service, span.name) == (run.services.get(edge.source), edge.source_span)
    }
    if edge.source == PUBLISHER:
        sources = {PUBLISHED}
    for span in spans:
        if (span.service, span.name) != (run.services[edge.target], edge.span):
            continue
        related = [span.parent] if edge.relation == "child" else span.links
        yield from ((source, span) for source in related if source in sources)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.source_span} to {edge.span}, {edge.relation}")
def test_every_edge_of_the_table_is_seen(driven: Run, edge: Edge) -> None:
    """The span is exported by its service, related as the table says to one that was exported too."""
    wait_until(lambda: next(lines(driven, edge), None), 30)


def may_say(span: SeenSpan) -> frozenset[str]:
    """The attributes that the table allows; any other request is named for its method and route, and says the same."""
    method, route = (str(span.attributes.get(f"http.{name}", "")) for name in ("request.method", "route"))
    allowed = REQUEST if method and span.name == f"{method} {route}".strip() else SPANS.get(span.name)
    assert allowed is not None, span
    return allowed


def test_spans_say_nothing_but_what_the_table_lists(driven: Run) -> None:
    """Every attribute of every span stands in the table, as do its name, its service and what is said of the process."""
    wait_until(lambda: len(driven.receiver.spans()) > 10)
    for span in driven.receiver.spans():
        assert span.attributes.keys() <= may_say(span), span
        assert span.resource.keys() <= RESOURCE, span
        assert span.service in driven.services.values()
        assert span.other == "", span


def test_the_path_of_one_event_is_one_trace(driven: Run) -> None:
    """Request, append and detection of an event that was alone have the publisher's trace; loading links to both."""

    def named(name: str) -> list[SeenSpan]:
        return [span for span in driven.receiver.spans() if span.name == name]

    def in_trace(name: str) -> SeenSpan:
        return next(span for span in named(name) if span.id.trace == PUBLISHED.trace)

    append, detect = in_trace(EVENTS_SPAN), in_trace("detect")
    assert append.parent == in_trace("POST /v1/events").id
    assert detect.parent == append.id
    assert int(append.attributes["parcours.items"]) >= 1  # a tick may have come along
    assert (detect.attributes["parcours.events"], detect.attributes["parcours.points"]) == (1, 1)
    for origin in (append.id, detect.id):
        wait_until(lambda origin=origin: any(origin in span.links for span in named("load")))


def test_metrics_come_by_otlp_too(driven: Run) -> None:
    """Each service exports what the table lists, and somebody the detector's."""

    def exported() -> bool:
        names = driven.receiver.metric_names()
        of_services = all((driven.services[role], name) in names for role, all_ in METRICS.items() for name in all_)
        return of_services and {name for _, name in names} >= DETECTOR_METRICS

    wait_until(exported, 30)


def _at_rest(driven: Run) -> int:
    """The number of spans once none has come for two seconds: what was sent before has gone its whole way."""
    seen, since_s = -1, time.monotonic()
    deadline_s = since_s + 60
    while time.monotonic() - since_s < 2:
        assert time.monotonic() < deadline_s, "spans go on coming"
        if (now := len(driven.receiver.spans())) != seen:
            seen, since_s = now, time.monotonic()
        time.sleep(0.1)
    return seen


def test_probes_leave_no_span(driven: Run) -> None:
    """Nor do the ticks of every second: without an event there is nothing to follow."""
    before = _at_rest(driven)
    for path in ("/healthz", "/readyz", "/metrics"):
        httpx.get(f"{driven.systems}{path}")
        httpx.get(f"{driven.people}{path}")
    time.sleep(2.5)
    assert [span.name for span in driven.receiver.spans()[before:]] == []
