"""The journeys of an export, with their events: bounded, page by page, under names that hold within one export alone.

Left out: comments, attributes, references to documents, and whatever names a person. Journeys, cases and contacts get a name
made with a key that is forgotten with the export, so that nobody can join two exports, or an export and the platform, by
names. Times stay as they were: whoever knows when something happened can find it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from services.insights.figures.journey_filters import journeys_where
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.problems import Problem
from services.insights.queries import Question

MAX_EVENTS: Final = 100_000
"""Events of one export."""
PAGE_JOURNEYS: Final = 500
_NAME_BYTES: Final = 12

_EVENTS: Final = """
SELECT service, subject, toUnixTimestamp64Micro(time) AS time_us, type, step, channel, territory, office, contact, `case`,
    wait_s, duration_s, reason, outcome, rating
FROM events
WHERE subject IN {subjects:Array(String)} AND service IN {services:Array(String)}
    AND time >= fromUnixTimestamp64Micro({from_us:Int64}, 'UTC') AND time <= fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')
ORDER BY service, subject, time, source, id
"""


class ExportedEvent(Struct, frozen=True, kw_only=True):
    """One event of a journey. `activity` is its step, else its type; '' and `None` are absent."""

    time_us: int
    activity: str
    type: str
    channel: str
    territory: str
    office: str
    contact: str
    case: str
    wait_s: float | None
    duration_s: float | None
    reason: str
    outcome: str
    rating: float | None


class ExportedJourney(Struct, frozen=True):
    """A journey under its name in this export, and its events in order."""

    name: str
    service: str
    events: list[ExportedEvent]


class Names:
    """Names of one export: the same thing gets the same name within it, and another in any other."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, kind: str, known: str) -> str:
        """The name; '' for what is absent."""
        if not known:
            return ""
        digest = hashlib.blake2b(f"{kind}\x00{known}".encode(), key=self._key, digest_size=_NAME_BYTES)
        return f"{kind}-{digest.hexdigest()}"


class _Key(Struct, frozen=True):
    service: str
    subject: str
    journey: str
    from_us: int
    to_us: int


def journeys_of(store: Store, filters: Filters) -> Iterator[ExportedJourney]:
    """The journeys that began under the filters, in order of their beginning; read as they are asked for.

    The keys are read at once. Raises `Problem` 422 where they have more than `MAX_EVENTS` events.
    """
    events = int(store.query(*_counted(filters)).rows[0][0])
    if events > MAX_EVENTS:
        detail = N_(
            "These journeys have %(events)s events; an export holds at most %(limit)s. Choose a shorter period or one service."
        )
        raise Problem(422, "export-too-large", detail, events=events, limit=MAX_EVENTS)
    keys = [_Key(*row) for row in store.query(*_keys(filters)).rows]
    return _read(store, keys)


def _counted(filters: Filters) -> Question:
    where, parameters = journeys_where(filters)
    return Question(f"SELECT sum(length(at)) FROM journeys FINAL {where}", parameters)  # noqa: S608  # names of ours


def _keys(filters: Filters) -> Question:
    where, parameters = journeys_where(filters)
    columns = "service, subject, journey, toUnixTimestamp64Micro(started), toUnixTimestamp64Micro(ended)"
    sql = f"SELECT {columns} FROM journeys FINAL {where} ORDER BY started, service, subject, cut"  # noqa: S608
    return Question(sql, parameters)


def _read(store: Store, keys: list[_Key]) -> Iterator[ExportedJourney]:
    names, rest = Names(), iter(keys)
    while page := list(islice(rest, PAGE_JOURNEYS)):
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in _events(store, page):
            found.setdefault((row["service"], row["subject"]), []).append(row)
        for key in page:
            events = found.get((key.service, key.subject), [])
            yield ExportedJourney(
                names.of("journey", key.journey),
                key.service,
                [_event(row, names) for row in events if key.from_us <= row["time_us"] <= key.to_us],
            )


def _events(store: Store, page: list[_Key]) -> list[dict[str, Any]]:
    result = store.query(
        _EVENTS,
        {
            "subjects": sorted({key.subject for key in page}),
            "services": sorted({key.service for key in page}),
            "from_us": min(key.from_us for key in page),
            "to_us": max(key.to_us for key in page),
        },
    )
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _event(row: dict[str, Any], names: Names) -> ExportedEvent:
    return ExportedEvent(
        time_us=row["time_us"],
        activity=row["step"] or row["type"],
        type=row["type"],
        channel=row["channel"],
        territory=row["territory"],
        office=row["office"],
        contact=names.of("contact", row["contact"]),
        case=names.of("case", row["case"]),
        wait_s=row["wait_s"],
        duration_s=row["duration_s"],
        reason=row["reason"],
        outcome=row["outcome"],
        rating=row["rating"],
    )
