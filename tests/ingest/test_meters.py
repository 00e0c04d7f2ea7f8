"""What a gateway counts, as it is scraped."""

import subprocess
import sys
from pathlib import Path

SCRAPE = """
import sys
from pathlib import Path
from shared.telemetry import start_metrics
from tests.ingest.examples import batch, event
from tests.ingest.parts import serve

start_metrics("ingest")
with serve(Path(sys.argv[1])) as served:
    served.post(batch(event(1), event(1), event(2, data_rating=9, subject="mailto:jane@doe.example")))
    served.post(b"nonsense")
    served.post(b"{}", content_type="text/plain")
    print(served.client.get("/metrics").text)
"""


def test_events_rejects_commits_and_what_waits_are_counted(tmp_path: Path) -> None:
    """By gateway, status and reason; and no id, subject or source is among the labels."""
    run = subprocess.run(
        [sys.executable, "-c", SCRAPE, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    for line in (
        'parcours_ingest_events_total{gateway="/v1/events",status="accepted"} 1.0',
        'parcours_ingest_events_total{gateway="/v1/events",status="duplicate"} 1.0',
        'parcours_ingest_rejects_total{gateway="/v1/events",reason="out_of_range"} 1.0',
        'parcours_ingest_rejects_total{gateway="/v1/events",reason="not_json"} 1.0',
        'parcours_ingest_requests_total{gateway="/v1/events",status="202"} 1.0',
        'parcours_ingest_pending_bytes{log="journey-events"} 0.0',
        'parcours_ingest_commit_seconds_count{log="journey-events"}',
        'parcours_ingest_commit_items_count{log="journey-events"}',
        'parcours_ingest_record_items_count{log="rejected-events"}',
        'parcours_ingest_refused_requests_total{gateway="/v1/events",reason="unsupported_media_type",status="415"} 1.0',
        'parcours_ingest_request_seconds_count{gateway="/v1/events"}',
        'parcours_ingest_commits_in_flight{log="journey-events"} 0.0',
    ):
        assert line in run.stdout
    ours = "\n".join(line for line in run.stdout.splitlines() if line.startswith("parcours_ingest"))
    assert not any(secret in ours for secret in ("jane", "/test", "e1", "p1-"))
