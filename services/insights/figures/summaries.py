"""The figures of the pages and the API, each computed by one function from named queries."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, structs

from services.insights import queries
from services.insights.figures.points_found import journeys_touched, points_found
from services.insights.filters import Filters
from services.insights.observability import Status, rule_statuses
from services.insights.ports import Store
from services.insights.queries import Question
from shared.detection.settings import RULES, RuleBook
from shared.journey.instants import SECOND_US

_SHARED: Final[dict[str, Callable[[str, str], str]]] = {
    "rule": lambda rule, _: rule,
    "service": lambda _, service: service,
}
"""Groups that one question answers for all figures of a page."""


_OF_RECEIVED: Final = ("service", "channel", "type")
"""Columns of `queries.received`, in its order."""


class FrictionRow(Struct, frozen=True, kw_only=True):
    """Points in force of one group. `points` and `journeys` are `None` where nothing could be observed: unknown, not 0.

    `minutes_*` add up what can be told, of `known_*` points, and are `None` where nothing can. `other_versions` of the
    points were judged by another version of the rules than the one in force. `status` is given for rules only.
    """

    name: str
    points: int | None
    journeys: int | None
    minutes_citizen: float | None
    minutes_administration: float | None
    known_citizen: int = 0
    known_administration: int = 0
    other_versions: int = 0
    status: Status | None = None


class FrictionSummary(Struct, frozen=True):
    """Rows, most points first (rules: in the order of the definitions), and the points of all groups together."""

    rows: list[FrictionRow]
    total: int


class CountRow(Struct, frozen=True):
    """How many events a group holds."""

    name: str
    events: int


class CountSummary(Struct, frozen=True):
    """Rows, most events first, and the events of all groups together."""

    rows: list[CountRow]
    total: int


class Extent(Struct, frozen=True):
    """From the hour of the first event to the end of the hour of the latest; `None` on an empty platform."""

    first_us: int
    end_us: int
    events: int


class Month(Struct, frozen=True):
    """A calendar month that has events: its start, and how many events count as its volume."""

    start_us: int
    volume: int


class History(Struct, frozen=True):
    """Where events lie in time: from the hour of the first to the end of the hour of the latest, and by months.

    Volumes are citizens' events (definitions, "Event"); where there are none at all, all events.
    """

    first_us: int
    end_us: int
    months: list[Month]


class Choices(Struct, frozen=True):
    """Names that occur, for the filter form, at most `queries.MAX_CHOICES` of each."""

    services: list[str]
    channels: list[str]
    territories: list[str]


def answer(store: Store, question: Question) -> list[dict[str, Any]]:
    """The rows of a question by column name."""
    result = store.query(question.sql, question.parameters)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def friction_summary(store: Store, group: str, filters: Filters, book: RuleBook) -> FrictionSummary:
    """Points in force per group: sums from the aggregate, distinct journeys from the rows."""
    if group in _SHARED:
        rows = _of_shared(store, group, filters, book.version)
        total = sum(row.points or 0 for row in rows)
    else:
        found = answer(store, queries.points_by(group, filters, book.version))
        journeys = {row[group]: int(row["journeys"]) for row in answer(store, queries.journeys_by((group,), filters))}
        rows = [_friction_row(row, journeys.get(row["name"], 0)) for row in found]
        total = int(found[0]["total"]) if found else 0
    if group == "rule":
        rows = _every_rule(rows, rule_statuses(store, filters, book), filters)
    return FrictionSummary(rows, total)


def _of_shared(store: Store, group: str, filters: Filters, version: int) -> list[FrictionRow]:
    touched = journeys_touched(store, filters)
    found = points_found(store, filters, _SHARED[group])
    rows = [
        FrictionRow(
            name=name,
            points=each.points,
            journeys=touched.of_rule(name) if group == "rule" else touched.of_service.get(name, 0),
            minutes_citizen=_rounded(each.minutes_citizen),
            minutes_administration=_rounded(each.minutes_administration),
            known_citizen=each.known_citizen,
            known_administration=each.known_administration,
            other_versions=each.of_other_versions(version),
        )
        for name, each in found.items()
    ]
    return sorted(rows, key=lambda row: (-(row.points or 0), row.name))[: queries.MAX_GROUPS]


def points_by_place(store: Store, group: str, filters: Filters) -> dict[str, tuple[int, int]]:
    """Points in force per group, and how many of them do not stem from case work."""
    if group in _SHARED:
        key = _SHARED[group]
        found = points_found(store, filters, key)
        of_contacts = points_found(
            store, filters, lambda rule, service: None if rule in queries.CASE_WORK_RULES else key(rule, service)
        )
        return {
            name: (each.points, of_contacts[name].points if name in of_contacts else 0) for name, each in found.items()
        }
    rows = answer(store, queries.points_by_place(group, filters))
    return {row["name"]: (int(row["points"]), int(row["points"]) - int(row["case_points"])) for row in rows}


def points_in_all(store: Store, filters: Filters) -> int:
    """All points in force under the filters."""
    return sum(each.points for each in points_found(store, filters, lambda rule, _: rule).values())


def _friction_row(row: Mapping[str, Any], journeys: int) -> FrictionRow:
    return FrictionRow(
        name=row["name"],
        points=int(row["points"]),
        journeys=journeys,
        known_citizen=int(row["known_citizen"]),
        known_administration=int(row["known_administration"]),
        other_versions=int(row["other_versions"]),
        minutes_citizen=_rounded(row["minutes_citizen"]),
        minutes_administration=_rounded(row["minutes_administration"]),
    )


def _rounded(minutes: float | None) -> float | None:
    """Sums of fractions, freed of what binary fractions leave behind."""
    return None if minutes is None else round(minutes, 4) + 0.0


def _every_rule(rows: list[FrictionRow], statuses: Mapping[str, Status], filters: Filters) -> list[FrictionRow]:
    """All rules, or the one of the filter, each with its status; a rule with points was observed, whatever arrived."""
    found = {row.name: row for row in rows}
    return [_with_status(rule, found.get(rule), statuses[rule]) for rule in RULES if filters.rule in {None, rule}]


def _with_status(rule: str, row: FrictionRow | None, status: Status) -> FrictionRow:
    if row is None:
        known = 0 if status == "observed" else None
        return FrictionRow(
            name=rule,
            points=known,
            journeys=known,
            minutes_citizen=None,
            minutes_administration=None,
            status=status,
        )
    return structs.replace(row, status="off" if status == "off" else "observed")


def events_summary(store: Store, group: str, filters: Filters, types: frozenset[str] | None = None) -> CountSummary:
    """Events per group; with `types`, of these types only."""
    if group in _OF_RECEIVED and filters.rule is None:
        return _of_received(store, group, filters, types)
    return _counts(answer(store, queries.events_by(group, filters, types)))


def _of_received(store: Store, group: str, filters: Filters, types: frozenset[str] | None) -> CountSummary:
    """From what is asked for `rule_statuses` on the same page."""
    question = queries.received(filters)
    place = _OF_RECEIVED.index(group)
    found: dict[str, int] = {}
    for row in store.query(question.sql, question.parameters).rows:
        if types is None or row[2] in types:
            found[row[place]] = found.get(row[place], 0) + int(row[4])
    rows = [CountRow(name, events) for name, events in found.items()]
    rows.sort(key=lambda row: (-row.events, row.name))
    return CountSummary(rows[: queries.MAX_GROUPS], sum(found.values()))


def rejects_summary(store: Store, group: str, filters: Filters) -> CountSummary:
    """Refused events per group; of the filters, source, service and period may be set."""
    return _counts(answer(store, queries.rejects_by(group, filters)))


def _counts(found: list[dict[str, Any]]) -> CountSummary:
    total = int(found[0]["total"]) if found else 0
    return CountSummary([CountRow(row["name"], int(row["events"])) for row in found], total)


def extent(store: Store) -> Extent | None:
    """The stretch of time that has events."""
    question = queries.extent()
    first_s, last_s, events = store.query(question.sql, question.parameters).rows[0]
    if not events:
        return None
    return Extent(first_s * SECOND_US, (last_s + 3_600) * SECOND_US, int(events))


def history(store: Store, filters: Filters) -> History | None:
    """Where the events under the filters lie, whatever their rule and period; `None` where there are none."""
    rows = answer(store, queries.history(filters.without_rule()))
    if not rows:
        return None
    name = "citizen_events" if any(row["citizen_events"] for row in rows) else "events"
    return History(
        first_us=rows[0]["first_s"] * SECOND_US,
        end_us=(rows[-1]["last_s"] + 3_600) * SECOND_US,
        months=[Month(row["month_s"] * SECOND_US, int(row[name])) for row in rows],
    )


def choices(store: Store) -> Choices:
    """What the filter form offers."""
    question = queries.choices()
    services, channels, territories = store.query(question.sql, question.parameters).rows[0]
    return Choices(*(sorted(name for name in each if name) for each in (services, channels, territories)))


def activity_over_time(store: Store, unit: str, filters: Filters) -> list[tuple[int, str, int]]:
    """(start of the stretch, channel, citizen events), in order of time; stretches without events are left out."""
    question = queries.activity_over_time(unit, filters)
    rows = store.query(question.sql, question.parameters).rows
    return [(start_s * SECOND_US, channel, int(events)) for start_s, channel, events in rows]


def loaded_streams(store: Store) -> dict[str, dict[str, Any]]:
    """Per stream the log's id, the next offset to load of each partition, and when it was last written (instant)."""
    streams: dict[str, dict[str, Any]] = {}
    for row in answer(store, queries.positions()):
        stream = streams.setdefault(row["stream"], {"log_id": "", "next_offsets": {}, "at_us": 0})
        stream["next_offsets"][str(row["partition"])] = int(row["next_offset"])
        if row["at_us"] >= stream["at_us"]:
            stream |= {"log_id": row["log_id"], "at_us": int(row["at_us"])}
    return streams
