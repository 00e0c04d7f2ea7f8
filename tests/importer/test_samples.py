"""The samples that are shipped, whole: the events they give, and the friction points of those events."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.importer.import_file import import_file
from services.importer.summary import ImportSummary
from shared.detection.rule_file import parse_rules
from shared.journey.instants import to_us
from tests.reference.definitions import points_in_force
from tests.reference.test_real_data import LONG_AFTER_US, kansas_city_events, permit_events

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"

Event = dict[str, Any]


class Sample:
    """A sample, imported without sending: the events in the order they would be sent."""

    def __init__(self, name: str, file: str, output: Path) -> None:
        self.folder = SAMPLES / name
        self.summary: ImportSummary = import_file(
            self.folder / file,
            self.folder / "mapping.toml",
            ingest_url="",
            analytics_url="",
            dry_run=True,
            output=output,
        )
        self.events = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]

    def digest(self) -> str:
        """The beginning of the digest of the points in force under the rules shipped with the sample."""
        path = self.folder / "rules.toml"
        points = points_in_force(
            iter(self.events), parse_rules(path.read_text(encoding="utf-8"), path.name), LONG_AFTER_US
        )
        lines = sorted(f"{point['rule']} {point['anchor']}" for point in points)
        return sha256("\n".join(lines).encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def kansas_city(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The requests of Kansas City."""
    return Sample("kansas-city-311", "kcmo311.csv.gz", tmp_path_factory.mktemp("kansas-city") / "events.ndjson")


@pytest.fixture(scope="module")
def permits(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The environmental permits."""
    return Sample("permits", "wabo-receipt.csv.gz", tmp_path_factory.mktemp("permits") / "events.ndjson")


def essence(event: Event) -> tuple[object, ...]:
    """What a rule can see of an event: instants instead of texts, and nothing of what both mappings need not say."""
    data = {name: value for name, value in event["data"].items() if value and name not in {"territory", "due"}}
    due = event["data"].get("due")
    return (
        event["id"],
        event["source"],
        event["type"],
        event["subject"],
        to_us(datetime.fromisoformat(event["time"])),
        to_us(datetime.fromisoformat(due)) if due else None,
        tuple(sorted(data.items())),
    )


def test_kansas_city_counts(kansas_city: Sample):
    """Every row is read; contacts are those of residents, closings those with a date; nothing is rejected."""
    summary = kansas_city.summary
    assert (summary.rows, summary.skipped, summary.duplicates, summary.rejected) == (80_203, 42, 0, {})
    assert summary.events_by_type == {"case.closed": 78_800, "contact.made": 76_970}
    channels = {channel: count for (kind, channel), count in summary.events.items() if kind == "contact.made"}
    assert channels == {"phone": 61_362, "web": 11_570, "email": 3_429, "bot": 350, "counter": 142, "letter": 117}


def test_permit_counts(permits: Sample):
    """Every row is an activity; applications and ends, which rows repeat, count once a case."""
    summary = permits.summary
    assert (summary.rows, summary.skipped, summary.rejected) == (8_577, 0, {})
    assert summary.events_by_type == {"case.progressed": 8_577, "contact.made": 1_433, "case.closed": 1_329}
    channels = {channel: count for (kind, channel), count in summary.events.items() if kind == "contact.made"}
    assert channels == {"web": 1_250, "counter": 109, "letter": 53, "email": 21}
    assert summary.duplicates == 8_571 + 7_960 - 1_433 - 1_329


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        pytest.param("kansas_city", kansas_city_events, id="kansas-city-311"),
        pytest.param("permits", permit_events, id="permits"),
    ],
)
def test_the_events_are_those_of_the_reference(
    request: pytest.FixtureRequest, sample: str, expected: Callable[[], Iterator[Event]]
):
    """The mapping gives, id by id, the events that the tests' own few lines make of the same rows; and in time order."""
    found = request.getfixturevalue(sample).events
    assert Counter(map(essence, found)) == Counter(set(map(essence, expected())))
    order = [(to_us(datetime.fromisoformat(event["time"])), event["id"].encode()) for event in found]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("sample", "digest"),
    [
        pytest.param("kansas_city", "0a53f7dee073b036", id="kansas-city-311"),
        pytest.param("permits", "292570bcc2058f85", id="permits"),
    ],
)
def test_the_points_are_the_known_ones(request: pytest.FixtureRequest, sample: str, digest: str):
    """With the shipped mapping and rules, the definitions give exactly the known friction points."""
    assert request.getfixturevalue(sample).digest() == digest
