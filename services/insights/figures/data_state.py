"""The state of the data: what can be observed, what came late, what was refused, how far each stage has come."""

# ruff: noqa: S608 - what is put into these statements are conditions of named filters; values are bound
from typing import Final

from msgspec import structs

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.overview_points import STATUSES
from services.insights.figures.summaries import answer, loaded_streams
from services.insights.figures.table import MAX_ROWS, Column, Table, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.observability import observed_places
from services.insights.queries import Question, rows_where
from shared.log.port import JOURNEY_EVENTS
from shared.store.assembled import WAITING, read_freshness

STAGES: Final = {
    "loaded": N_("events loaded"),
    "detected": N_("friction points detected"),
    "journeys": N_("journeys put together"),
}
_DETECTED: Final = "detected"


def _observable(ask: Ask) -> Table:
    found = observed_places(ask.store, ask.filters, ask.book)
    return table(
        (
            Column(name="rule", title=N_("Rule"), kind="rule"),
            Column(name="status", title=N_("State"), kind="text", words=STATUSES),
            Column(name="observed", title=N_("Services and channels where it can be observed"), kind="count"),
            Column(name="judged", title=N_("Services and channels with events"), kind="count"),
            Column(name="missing", title=N_("What is missing where it cannot"), kind="text"),
        ),
        [
            (rule, each.status, each.observed, each.judged, ", ".join(each.missing))
            for rule, each in found.items()
            if ask.filters.rule in {None, rule}
        ],
    )


def late_question(filters: Filters) -> Question:
    """Per service and source: late events, and how far behind their journey they came."""
    where, parameters = rows_where(structs.replace(filters, rule=None, channel=None, territory=None))
    sql = f"""
        SELECT service, source, uniqExact(source, id) AS events, quantileExact(0.5)(behind_s) AS behind,
            max(behind_s) AS behind_most, toUnixTimestamp64Micro(max(recordedtime)) AS last_us
        FROM late_events {where} GROUP BY service, source ORDER BY events DESC, service, source LIMIT {MAX_ROWS}"""
    return Question(sql, parameters)


def _late(ask: Ask) -> Table:
    return table(
        (
            Column(name="service", title=N_("Service"), kind="service"),
            Column(name="source", title=N_("Source"), kind="text"),
            Column(name="events", title=N_("Late events"), kind="count"),
            Column(name="behind", title=N_("Behind (median)"), kind="seconds"),
            Column(name="behind_most", title=N_("Behind (most)"), kind="seconds"),
            Column(name="last", title=N_("Last received"), kind="instant"),
        ),
        [
            (row["service"], row["source"], int(row["events"]), row["behind"], row["behind_most"], int(row["last_us"]))
            for row in answer(ask.store, late_question(two_periods(ask).now))
        ],
    )


def rejected_question(filters: Filters) -> Question:
    """Per reason, stage and gateway: refused events. Kept for a while only, by the time they were refused."""
    where, parameters = rows_where(Filters(service=filters.service, source=filters.source))
    sql = f"""
        SELECT reason, stage, gateway, count() AS events, toUnixTimestamp64Micro(max(time)) AS last_us
        FROM rejects {where} GROUP BY reason, stage, gateway ORDER BY events DESC, reason, stage, gateway LIMIT {MAX_ROWS}"""
    return Question(sql, parameters)


def _rejected(ask: Ask) -> Table:
    return table(
        (
            Column(name="reason", title=N_("Reason"), kind="text"),
            Column(name="stage", title=N_("Where"), kind="text", words=WHERE),
            Column(name="gateway", title=N_("Gateway"), kind="text"),
            Column(name="events", title=N_("Refused events"), kind="count"),
            Column(name="last", title=N_("Last refused"), kind="instant"),
        ),
        [
            (row["reason"], row["stage"], row["gateway"], int(row["events"]), int(row["last_us"]))
            for row in answer(ask.store, rejected_question(ask.filters))
        ],
    )


WHERE: Final = {"ingest": N_("at the gateway"), "load": N_("on loading")}


def _freshness(ask: Ask) -> Table:
    streams = loaded_streams(ask.store)
    loaded_us = max((each["at_us"] for name, each in streams.items() if name != _DETECTED), default=None)
    detected = streams.get(_DETECTED)
    journeys = read_freshness(ask.store.query(WAITING, {}).rows[0])
    return table(
        (
            Column(name="stage", title=N_("Stage"), kind="text", words=STAGES),
            Column(name="through", title=N_("As of"), kind="instant"),
            Column(name="waiting", title=N_("Waiting"), kind="count"),
        ),
        [
            ("loaded", loaded_us, None),
            ("detected", detected["at_us"] if detected else None, _undetected(streams)),
            ("journeys", journeys.through_us or None, journeys.waiting),
        ],
    )


def _undetected(streams: dict[str, dict[str, object]]) -> int | None:
    """Loaded records of events that the detector's loaded progress does not cover; `None` where it tells no progress."""
    judged = streams.get(_DETECTED)
    events = next((each for name, each in streams.items() if name.startswith(JOURNEY_EVENTS)), None)
    if judged is None or events is None or judged["log_id"] != events["log_id"]:
        return None
    done, ends = judged["next_offsets"], events["next_offsets"]
    return max((end - done.get(at, 1) for at, end in ends.items()), default=0)  # type: ignore[attr-defined]


OBSERVABLE_RULES: Final = Figure(
    name="data-observable-rules",
    title=N_("What the rules can observe"),
    definition=N_(
        "A rule can only be judged where the events it needs arrive. It can be observed in a service and channel from which "
        "one of its types came, and each of its fields on such events. Elsewhere its points are unknown, not zero."
    ),
    compute=_observable,
)
LATE_EVENTS: Final = Figure(
    name="data-late-events",
    title=N_("Late events"),
    definition=N_(
        "Events that came after others of their journey by more than the limit of their source. They are stored, counted and "
        "marked, and change no point until the past is detected again. Only period, service and source restrict them."
    ),
    compute=_late,
)
REJECTED_EVENTS: Final = Figure(
    name="data-refused-events",
    title=N_("Refused events"),
    definition=N_(
        "Events that were not taken, by reason. They are kept for some days only (14 unless set otherwise), whatever the "
        "period shown; only service and source restrict them."
    ),
    compute=_rejected,
)
FRESHNESS: Final = Figure(
    name="data-freshness",
    title=N_("How far each stage has come"),
    definition=N_(
        "When each stage last moved on, and what waits: records of events not judged yet, people (of one service) whose "
        "journeys or contacts are to be looked at again. Not known where a stage has told nothing. The filters do not apply."
    ),
    compute=_freshness,
)
FIGURES: Final = (OBSERVABLE_RULES, LATE_EVENTS, REJECTED_EVENTS, FRESHNESS)
