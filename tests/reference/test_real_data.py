"""The reference gives the known points of the two real data sets.

The records are turned into events here by a few lines of their own, apart from the product's importer, with raw subjects.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.reference.definitions import points_in_force
from tests.reference.journeys import instant_us
from tests.reference.rule_settings import resolved

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
EXPECTED = Path(__file__).parent / "expected"
LONG_AFTER_US = instant_us("2027-01-01T00:00:00Z")

KANSAS_CITY_CHANNELS = {
    "PHONE": "phone",
    "VOICE": "phone",
    "WEB": "web",
    "BOT": "bot",
    "EMAIL": "email",
    "WALK": "counter",
    "FAX": "letter",
}
PERMIT_CHANNELS = {"Internet": "web", "Desk": "counter", "Post": "letter", "e-mail": "email"}

Event = dict[str, Any]


def rows_of(path: Path, missing: str = "") -> Iterator[dict[str, str]]:
    """The rows of a packed CSV file, their cells stripped; a cell that is `missing` is empty."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cells = {name: value.strip() for name, value in row.items()}
            yield {name: "" if value == missing else value for name, value in cells.items()}


def kansas_city_events() -> Iterator[Event]:
    """A contact for each request that a resident made, a closing for each that has a date."""
    zone = ZoneInfo("America/Chicago")

    def event(row: dict[str, str], suffix: str, local: str, layout: str, kind: str, **data: str) -> Event:
        return {
            "id": f"{row['CASE ID']}-{suffix}",
            "source": "/import/kansas-city-311",
            "type": kind,
            "time": datetime.strptime(local, layout).replace(tzinfo=zone).astimezone(UTC).isoformat(),
            "subject": row["PLACE"] or row["CASE ID"],
            "data": {"service": row["CATEGORY"], "case": row["CASE ID"], **data},
        }

    for row in rows_of(SAMPLES / "kansas-city-311" / "kcmo311.csv.gz"):
        if row["SOURCE"] in KANSAS_CITY_CHANNELS:
            created = f"{row['CREATION DATE']} {row['CREATION TIME']}"
            channel = KANSAS_CITY_CHANNELS[row["SOURCE"]]
            yield event(
                row, "made", created, "%m/%d/%Y %I:%M %p", "contact.made", channel=channel, matter=row["REQUEST TYPE"]
            )
        if row["CLOSED DATE"]:
            yield event(row, "closed", f"{row['CLOSED DATE']} 23:59", "%m/%d/%Y %H:%M", "case.closed")


def permit_events() -> Iterator[Event]:
    """The application, every activity, and the end of each case."""

    def event(case: str, suffix: str, time: str, kind: str, **data: str) -> Event:
        return {
            "id": f"{case}-{suffix}",
            "source": "/import/permits",
            "type": kind,
            "time": time,
            "subject": case,
            "data": {"service": "environmental-permit", "case": case, **data},
        }

    for row in rows_of(SAMPLES / "permits" / "wabo-receipt.csv.gz", missing="EMPTY"):
        case = row["case:concept:name"]
        if row["case:channel"] in PERMIT_CHANNELS:
            channel = PERMIT_CHANNELS[row["case:channel"]]
            start, due = row["case:startdate"], row["case:deadline"]
            yield event(case, "made", start, "contact.made", channel=channel, due=due)
        yield event(
            case,
            row["concept:instance"],
            row["time:timestamp"],
            "case.progressed",
            step=row["concept:name"],
            team=row["org:group"],
        )
        if row["case:enddate"]:
            yield event(case, "closed", row["case:enddate"], "case.closed")


def in_one_service(name: str, *rules: str) -> dict[str, Any]:
    """Rule settings that switch rules on for one service."""
    return resolved({"service": {name: {rule: {"enabled": True} for rule in rules}}})


@pytest.mark.parametrize(
    ("events", "document", "points_file", "counts", "digest"),
    [
        pytest.param(
            kansas_city_events,
            resolved({}),
            "kcmo311.points.txt.gz",
            {"repeat_contact": 2270, "channel_switch": 692},
            "0a53f7dee073b036",
            id="kansas-city-311",
        ),
        pytest.param(
            permit_events,
            in_one_service("environmental-permit", "ping_pong", "rework"),
            "wabo-receipt.points.txt.gz",
            {"deadline_missed": 482, "ping_pong": 537, "rework": 245},
            "292570bcc2058f85",
            id="permits",
        ),
    ],
)
def test_real_data_gives_the_known_points(
    events: Callable[[], Iterator[Event]],
    document: dict[str, Any],
    points_file: str,
    counts: dict[str, int],
    digest: str,
):
    """The points are those computed apart from any implementation, rule by rule and anchor by anchor."""
    points = points_in_force(events(), document, LONG_AFTER_US)
    lines = sorted(f"{point['rule']} {point['anchor']}" for point in points)
    with gzip.open(EXPECTED / points_file, "rt", encoding="utf-8") as file:
        assert lines == file.read().split("\n")[: len(lines)]
    assert Counter(point["rule"] for point in points) == counts
    assert sha256("\n".join(lines).encode()).hexdigest()[:16] == digest
