"""Identifiers of citizens are in no file: not in the log, the tables, the detector's state, the refused events, the service logs."""

from pathlib import Path
from typing import Any

import httpx

from tests.run.platform import running, wait_until

SECRETS = (
    b"677123498",  # a telephone number, in every form it is sent in
    b"canary.person",
    b"canary-account",
    b"255081416802538",  # a social security number
    b"1420041010050500013M02606",  # of a bank account
)
BATCH = {"content-type": "application/cloudevents-batch+json"}


def event(number: int, subject: str, **data: Any) -> dict[str, Any]:
    """An event that is accepted, unless its data say otherwise."""
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/identifiers",
        "type": "contact.made",
        "time": "2026-01-05T10:00:00Z",
        "subject": subject,
        "data": {"service": "aid", **data},
    }


def test_no_file_holds_an_identifier(tmp_path: Path) -> None:
    """Subjects of every kind, comments, refused events and unreadable bodies: nothing of them is found in any file."""
    comment = (
        "rappelez 06 77 12 34 98 ou +33 6 77 12 34 98, canary.person@example.org, "
        "NIR 2 55 08 14 168 025 38, FR14 2004 1010 0505 0001 3M02 606"
    )
    events = [
        event(1, "tel:06 77 12 34 98", comment=comment),
        event(2, "tel:+33677123498"),
        event(3, "mailto:Canary.Person@Example.org"),
        event(4, "account:canary-account-991"),
        event(5, "tel:+33677123498", channel="pigeon"),
        event(6, "mailto:canary.person@example.org", unknown="canary-account-991"),
    ]
    with running(tmp_path / "data") as platform:
        answer = httpx.post(f"{platform.systems}/v1/events", json=events, headers=BATCH)
        assert [result["status"] for result in answer.json()["results"]] == ["accepted"] * 4 + ["rejected"] * 2
        unreadable = b'{"subject": "tel:+33677123498", "mail": "canary.person@example.org"'
        headers = {"content-type": "application/cloudevents+json"}
        answer = httpx.post(f"{platform.systems}/v1/events", content=unreadable, headers=headers)
        assert answer.status_code == 400
        wait_until(lambda: platform.counted().get("contact.made") == 4, 60)
        rejected = f"{platform.people}/api/v1/rejected/summary"
        wait_until(lambda: sum(row["events"] for row in httpx.get(rejected).json()["rows"]) == 3, 60)
        assert platform.interrupt() < 20
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert {"journey-events.ingest.sqlite", "detector.sqlite", "ingest.log"} <= {path.name for path in files}
    assert any(b"/identifiers" in path.read_bytes() for path in files), "the search itself finds what is there"
    found = {(path.name, secret) for path in files for secret in SECRETS if secret.lower() in path.read_bytes().lower()}
    assert found == set()
