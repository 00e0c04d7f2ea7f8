"""What citizens send is in no signal: neither in OTLP's bytes, nor in Prometheus' text, nor in a line of a log."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.run.platform import environment, free_ports, wait_until
from tests.telemetry.canaries import CANARIES, leaks
from tests.telemetry.receiver import Receiver, receiving
from tests.telemetry.runs import Run, event, new_trace

SINGLE = "application/cloudevents+json"
PERSONAL = {
    "authorization": f"Bearer {CANARIES.token}",
    "x-forwarded-for": CANARIES.client,
    "forwarded": f"for={CANARIES.client}",
    "user-agent": CANARIES.agent,
    "tracestate": f"vendor={CANARIES.tracestate}",
    "baggage": f"user={CANARIES.baggage}",
    "host": CANARIES.host,
}


def personal_events() -> list[dict]:
    """Events that hold canaries wherever something personal may stand."""
    data = {
        "service": "housing",
        "channel": "phone",
        "session": CANARIES.session,
        "contact": CANARIES.contact,
        "case": CANARIES.case,
        "comment": f"{CANARIES.comment}, write to {CANARIES.email} or call {CANARIES.phone}",
        "attributes": {"reason": CANARIES.attribute, CANARIES.attribute_name: "1"},
    }
    subjects = {
        "a": CANARIES.subject,
        "b": f"mailto:{CANARIES.email}",
        "c": f"tel:{CANARIES.phone}",
        "d": f"account:{CANARIES.subject}",
    }
    return [
        event(f"{CANARIES.event_id}-{name}", subject=subject, source=CANARIES.source, data=data)
        for name, subject in subjects.items()
    ]


def send_everything(run: Run) -> None:
    """Good and bad events, bad requests, and questions with canaries in query and path."""
    good = personal_events()
    assert run.post(*good, parent=new_trace(), **PERSONAL).status_code == 202
    wrong = [{**each, "id": f"{each['id']}-late", "time": CANARIES.malformed} for each in good]
    run.post(*good, *wrong, **PERSONAL)
    texts = (
        f'{{"subject": "{CANARIES.malformed}", ',
        json.dumps({"subject": CANARIES.subject, "specversion": CANARIES.malformed}),
        json.dumps([CANARIES.malformed]),
        "\udcff" + CANARIES.malformed,
    )
    for text in texts:
        for kind in (SINGLE, "application/x-ndjson", f"text/{CANARIES.malformed}"):
            body = text.encode("utf-8", "surrogateescape")
            answer = httpx.post(
                f"{run.systems}/v1/events?email={CANARIES.query}",
                content=body,
                headers={**PERSONAL, "content-type": kind},
            )
            assert answer.status_code >= 400
    run.write_raw(*(json.dumps(each).encode() for each in [*good, *wrong]))
    run.write_raw(*(text.encode("utf-8", "surrogateescape") for text in texts))
    for address in (run.systems, run.people):
        for path in (
            f"/{CANARIES.path}",
            f"/v1/{CANARIES.path}/events?q={CANARIES.query}",
            f"/api/v1/journeys/{CANARIES.path}?subject={CANARIES.query}",
            f"/api/v1/frictions?service={CANARIES.query}&limit={CANARIES.query}",
            f"/api/v1/frictions?service={CANARIES.query}",
            f"/api/v1/frictions?service={CANARIES.query}&purpose=other&purpose_text={CANARIES.query}",
            f"/points/{CANARIES.path}?lang={CANARIES.query}",
            f"/points?service={CANARIES.query}&opened={CANARIES.query}",
        ):
            httpx.get(f"{address}{path}", headers=PERSONAL)
            httpx.request("PURGE", f"{address}{path}", headers=PERSONAL)


def exported(receiver: Receiver, span: str) -> bool:
    """Whether the collector has a span of this name, and metrics."""
    return any(each.name == span for each in receiver.spans()) and bool(receiver.metric_names())


def test_no_signal_of_a_running_platform_holds_what_citizens_send(run: Run) -> None:
    """Accepted, refused, malformed, wrong addresses and methods: nothing of it is in spans, metrics or logs."""
    send_everything(run)
    time.sleep(2)
    wait_until(lambda: exported(run.receiver, "load"), 30)
    if run.brokers:
        wait_until(lambda: b"topic channel-web" in run.receiver.everything(), 30)
    time.sleep(11)  # once more of the metrics, which are exported every ten seconds
    assert leaks(run.receiver.everything()) == []
    assert leaks(run.scraped().encode()) == []
    assert leaks(run.written().encode()) == []
    assert '"level"' in run.written()


def failing(folder: Path, *arguments: str) -> tuple[Receiver, subprocess.CompletedProcess[bytes]]:
    """Run the gateway in which everything goes wrong."""
    with receiving() as receiver:
        done = subprocess.run(
            [sys.executable, "-m", "tests.telemetry.failing_ingest", str(folder), receiver.url, *arguments],
            capture_output=True,
            check=False,
            timeout=120,
            env=environment(folder),
        )
        assert done.returncode == 0, done.stderr.decode()
        return receiver, done


def test_defects_and_failures_quote_nothing(tmp_path: Path) -> None:
    """A defect that quotes an event answers 500, a log that fails 503; both are told without what came."""
    receiver, done = failing(tmp_path)
    statuses = {span.attributes.get("http.response.status_code") for span in receiver.spans()}
    errors = {span.attributes.get("error.type") for span in receiver.spans()}
    assert statuses >= {202, 404, 500, 503}
    assert errors >= {"ValueError", "503", "LogUnavailable", "RuntimeError"}
    assert b"a request failed unexpectedly" in done.stderr
    assert b'status="503"' in done.stdout
    for signal in (receiver.everything(), done.stdout, done.stderr):
        assert leaks(signal) == []


def test_a_leak_is_found(tmp_path: Path) -> None:
    """A span that tells a subject fails the search, and so do a log line and a metric: the test can fail."""
    receiver, _ = failing(tmp_path, "leak")
    assert leaks(receiver.everything()) == ["subject"]
    assert leaks(f'parcours_x_total{{by="{CANARIES.phone}"}} 1'.encode()) == ["phone"]
    assert leaks(json.dumps({"fields": {"subject": "p1-AbCdEfGhIjKlMnOpQrStUv"}}).encode()) == ["pseudonym"]


@pytest.mark.parametrize("target", ["ingest"])
def test_fastapi_exports_nothing_by_itself(tmp_path: Path, target: str) -> None:
    """Its own telemetry tells address and query; it stays off, whatever the environment asks of it."""
    (port,) = free_ports(1)
    with receiving() as receiver:
        asked = {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services", "service", target],
            env=environment(tmp_path / "data", ingest_port=str(port)) | asked,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz?x={CANARIES.query}").status_code == 200, 30)
            httpx.get(f"http://127.0.0.1:{port}/v1/events?x={CANARIES.query}")
        finally:
            process.terminate()
            process.wait(20)
        assert receiver.bodies == []
