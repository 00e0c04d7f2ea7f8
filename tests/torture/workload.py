"""What a torture run sends, the rule file it runs under, and the friction points that the definitions give for it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from services.importer.build import EventBuilder
from services.importer.mapping import read_mapping
from services.importer.row import Row
from services.importer.rows import open_rows
from shared.detection.rule_file import parse_rules
from tests.reference.definitions import points_in_force
from tests.reference.rule_settings import RULES, for_service, lateness_s
from tests.strategies.documents import SERVICES, random_document
from tests.strategies.events import random_stream

Event = dict[str, Any]
Identity = tuple[str, str]
Document = Mapping[str, Any]

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
PERMITS = SAMPLES / "permits" / "wabo-receipt.csv.gz"
KANSAS_CITY = SAMPLES / "kansas-city-311" / "kcmo311.csv.gz"

COMPARED = (
    *("rule", "source", "anchor", "service", "channel", "step", "office", "territory", "case", "time"),
    *("evidence", "evidence_sources", "figures", "parameters", "minutes_citizen", "minutes_administration"),
)
"""What the API and the reference both say of a point, besides its version."""


@dataclass(frozen=True)
class Workload:
    """Distinct events, and the text of the rule file they are judged by."""

    events: Sequence[Event]
    rules: str

    def document(self) -> Document:
        """The resolved rule settings."""
        return parse_rules(self.rules, "the rules of this run")

    def lateness_s(self) -> Callable[[str], float]:
        """A source's limit of lateness in seconds."""
        document = self.document()
        return lambda source: lateness_s(document, source)

    def expected(self, now_us: int) -> list[str]:
        """The points in force by the definitions, as `essence` writes them, sorted. Seconds for the whole samples."""
        stand_in = [{**event, "subject": subject_of(event)} for event in self.events]
        points = points_in_force(stand_in, self.document(), now_us)
        return sorted(essence(point, point["version"]) for point in points)


def sample_workload() -> Workload:
    """Both samples, whole, under the rules shipped with the permits."""
    return Workload([*sample_events(PERMITS), *sample_events(KANSAS_CITY)], _permit_rules())


def sample_part(seed: int, percent: int) -> Workload:
    """The permits, and so many of a hundred households of Kansas City with all their requests."""
    chosen = sample_events(KANSAS_CITY, "PLACE", lambda place: crc32(f"{seed} {place}".encode()) % 100 < percent)
    return Workload([*sample_events(PERMITS), *chosen], _permit_rules())


def random_workload(seed: int, count: int) -> Workload:
    """A random stream of all types in two services, each with random rule settings; some sources may come days late."""
    document = random_document(seed)
    rules = _rule_file({service: for_service(document, service) for service in SERVICES}, document.get("source", {}))
    return Workload(random_stream(seed, count, document), rules)


def together(*workloads: Workload) -> Workload:
    """All of them in one platform; they share neither identities, services nor sources."""
    return Workload(
        [event for workload in workloads for event in workload.events],
        "\n".join(workload.rules for workload in workloads),
    )


def sample_events(
    path: Path, column: str | None = None, wanted: Callable[[str], bool] = lambda _cell: True
) -> Iterator[Event]:
    """The distinct events that the importer makes of a sample with its mapping; of the rows whose cell is `wanted`."""
    mapping = read_mapping(path.parent / "mapping.toml")
    seen: set[str] = set()
    with open_rows(path, mapping) as reader:
        builder = EventBuilder(mapping, reader.columns)
        index = reader.columns.index(column) if column else 0
        for row in reader.rows():
            assert isinstance(row, Row), row
            if not wanted(row.cells[index]):
                continue
            built = builder.build(row)
            assert not built.rejections, built.rejections
            for event in built.events:
                if event.id not in seen:
                    seen.add(event.id)
                    yield msgspec.json.decode(event.body)


def subject_of(event: Event) -> str | None:
    """Whose journey an event belongs to: its subject, else its session, else its contact."""
    if "subject" in event:
        return str(event["subject"])
    stand_in = event["data"].get("session") or event["data"].get("contact")
    return f"instead of a subject: {stand_in}" if stand_in else None


def identity_of(event: Event) -> Identity:
    """What makes an event the same event."""
    return event["source"], event["id"]


def essence(point: Mapping[str, Any], version: int) -> str:
    """A point of the API or of the reference as one comparable line; what is absent is absent in both."""
    fields = {name: _plain(point[name]) for name in COMPARED if point[name] not in (None, "")}
    return json.dumps({"version": version, **fields}, sort_keys=True)


def digest(essences: Sequence[str], source: str) -> str:
    """SHA-256 over the sorted lines `RULE ANCHOR` of the points of one source, its first 16 digits."""
    points = [point for point in map(json.loads, essences) if point["source"] == source]
    lines = sorted(f"{point['rule']} {point['anchor']}" for point in points)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """Numbers as floats, so that 3 and 3.0 are the same figure."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return float(value) if isinstance(value, int) else value


def _permit_rules() -> str:
    return (SAMPLES / "permits" / "rules.toml").read_text(encoding="utf-8")


def _rule_file(services: Mapping[str, Document], sources: Document) -> str:
    """Rule settings as the text of a rule file: tables of services and of sources."""
    parts = []
    for service, document in services.items():
        for table in (*RULES, "failure_demand", "journey"):
            parts += [f"[service.{json.dumps(service)}.{table}]", *_settings(document[table])]
    for source, table in sources.items():
        parts += [f"[source.{json.dumps(source)}]", *_settings(table)]
    return "\n".join(parts)


def _settings(table: Document) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in table.items()]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_settings(value)) + " }"
    return json.dumps(value)
