"""Fills ClickHouse as the loader does: events as they stand in the log, and the points that the reference finds in them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from clickhouse_connect.driver.client import Client

from services.loader.assembly import assemble_with
from services.loader.insert import insert_batch
from services.loader.targets import TARGETS
from shared.detection.draft import journey_id
from shared.detection.settings import DEFAULTS, RuleBook
from shared.log.port import Kind
from tests.reference.definitions import points_in_force
from tests.reference.journeys import instant_us
from tests.reference.rule_settings import resolved

LONG_AFTER_US = instant_us("2027-01-01T00:00:00Z")
RECORDED = "2026-11-22T08:00:00.000000Z"
BATCH = 20_000


def event(name: str, kind: str, time: str, subject: str | None, service: str, **data: Any) -> dict[str, Any]:
    """One event as a gateway stores it."""
    values = {
        "id": name,
        "source": data.pop("source", "/test"),
        "type": kind,
        "time": time,
        "recordedtime": RECORDED,
        "data": {"service": service, **data},
    }
    return values | ({} if subject is None else {"subject": subject})


def insert(writer: Client, kind: Kind, items: Iterable[Mapping[str, Any]]) -> None:
    """Insert items of one kind by identity, in batches."""
    rows = list(items)
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        inserted = insert_batch(writer, TARGETS[kind], [json.dumps(part).encode()], len(part))
        assert inserted.refused == []


def point_rows(
    events: Iterable[Mapping[str, Any]], document: Mapping[str, Any] | None = None, now_us: int = LONG_AFTER_US
) -> list[dict[str, Any]]:
    """The points of these events as the detector would write them, each in force with revision 1."""
    found = points_in_force(events, document or resolved({}), now_us)
    return [
        {name: value for name, value in point.items() if name not in {"key", "cut"}}
        | {
            "id": hashlib.sha256(repr(point["key"]).encode()).hexdigest()[:32],
            "revision": 1,
            "sign": 1,
            "journey": journey_id(point["subject"], point["service"], point["cut"]),
            "figures": {name: str(value) for name, value in point["figures"].items()},
        }
        for point in found
    ]


def retraction(point: Mapping[str, Any]) -> dict[str, Any]:
    """The row that takes a point back."""
    return {**point, "sign": -1, "revision": point["revision"] + 1}


def fill(writer: Client, events: list[dict[str, Any]], document: Mapping[str, Any] | None = None) -> None:
    """Insert events and their points, and assemble the journeys."""
    insert(writer, Kind.EVENTS, events)
    insert(writer, Kind.POINTS, point_rows([each for each in events if "subject" in each], document))
    assemble_with(writer, RuleBook(document or DEFAULTS, 1))
