"""What arrives: per channel and type, or per service, how many events, the last of them, and whether one fell silent."""

# ruff: noqa: S608 - what is put into these statements are names from the table below; values are bound
from math import exp
from typing import Any, Final

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.table import MAX_ROWS, Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from services.insights.queries import Question
from services.insights.sums import sums
from shared.journey.instants import DAY_US, HOUR_US, SECOND_US

GROUPS: Final = {"type": ("channel", "type"), "service": ("service",)}
_NAMES: Final = "service, channel, type"
SILENT: Final = {"silent": N_("fell silent"), "arriving": N_("arriving"), "rare": N_("too rare to tell")}
RECENT_DAYS: Final = 7
USUAL_DAYS: Final = 28
_CHANCE: Final = 0.01
"""A silence is one that chance would bring in fewer than one case in a hundred."""


def events_question(filters: Filters) -> Question:
    """Per service, channel and type: the events of the period."""
    found, parameters = sums(
        "events", f"SELECT {_NAMES}, count() AS found FROM events $where GROUP BY {_NAMES}", filters
    )
    return Question(f"SELECT {_NAMES}, sum(found) AS events FROM ({found}) GROUP BY {_NAMES}", parameters)


def last_question(filters: Filters) -> Question:
    """Per service, channel and type: the hour of the latest event of the period."""
    select = f"SELECT {_NAMES}, $latest AS latest FROM events $where GROUP BY {_NAMES}"
    found, parameters = sums("events", select, filters)
    latest = "toUnixTimestamp(toStartOfHour(max(latest))) AS last_s"
    return Question(f"SELECT {_NAMES}, {latest} FROM ({found}) GROUP BY {_NAMES}", parameters)


def recent_question(filters: Filters, end_us: int) -> Question:
    """Per service, channel and type: the events of the last days before this end, and of those before them."""
    recent_us = end_us - RECENT_DAYS * DAY_US
    hour = "$moment >= toDateTime(fromUnixTimestamp64Micro({recent_us:Int64}, 'UTC'), 'UTC')"
    select = f"SELECT {_NAMES}, {hour} AS recent, count() AS found FROM events $where GROUP BY {_NAMES}, recent"
    found, parameters = sums("events", select, filters.on(recent_us - USUAL_DAYS * DAY_US, end_us), finest="hour")
    sql = f"""
        SELECT {_NAMES}, sumIf(found, recent) AS recently, sumIf(found, NOT recent) AS usual
        FROM ({found}) GROUP BY {_NAMES}"""
    return Question(sql, {**parameters, "recent_us": recent_us})


def _found(ask: Ask, group: str) -> list[dict[str, Any]]:
    """Everything that arrived before the period's end, most events of the period first.

    Both groups add up the same rows: a page that shows both asks once.
    """
    periods = two_periods(ask)
    filters = periods.now.without_rule()
    end_us = -(-min(filters.to_us or periods.data_end_us, periods.data_end_us) // HOUR_US) * HOUR_US
    # After the data lies nothing: up to the end of their last day the sums by day answer.
    until_us = -(-end_us // DAY_US) * DAY_US if end_us >= periods.data_end_us else end_us
    from_us = -(-((filters.from_us or 0) // SECOND_US * SECOND_US) // HOUR_US) * HOUR_US
    questions = (
        (last_question(filters.on(None, until_us)), ("last_s",)),
        (events_question(filters.on(from_us, max(until_us, from_us))), ("events",)),
        (recent_question(filters, end_us), ("recently", "usual")),
    )
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for question, measures in questions:
        for service, channel, kind, *values in ask.store.query(question.sql, question.parameters).rows:
            key = (service,) if group == "service" else (channel, kind)
            if key not in found:
                names = dict(zip(GROUPS[group], key, strict=True))
                found[key] = {**names, "last_s": 0, "events": 0, "recently": 0, "usual": 0}
            of_group = found[key]
            for name, value in zip(measures, values, strict=True):
                of_group[name] = max(of_group[name], value) if name == "last_s" else of_group[name] + value
    return [found[key] for key in sorted(found, key=lambda each: (-found[each]["events"], each))][:MAX_ROWS]


def _arrivals(ask: Ask) -> Table:
    group = ask.parameter("group_by") or "type"
    if group not in GROUPS:
        raise Problem(422, "invalid-group", N_("“group_by” must be one of: %(allowed)s."), allowed=", ".join(GROUPS))
    names = {
        "channel": Column(name="channel", title=N_("Channel"), kind="channel"),
        "type": Column(name="type", title=N_("Event"), kind="event"),
        "service": Column(name="service", title=N_("Service"), kind="service"),
    }
    return table(
        (
            *(names[name] for name in GROUPS[group]),
            Column(name="events", title=N_("Events in the period"), kind="count"),
            Column(name="last", title=N_("Last one in the hour from"), kind="instant"),
            Column(name="recent", title=N_("In the last 7 days of the data"), kind="count"),
            Column(name="usual", title=N_("In the 28 days before"), kind="count"),
            Column(name="state", title=N_("State"), kind="text", words=SILENT),
        ),
        [_row(group, row) for row in _found(ask, group)],
    )


def _row(group: str, row: dict[str, Any]) -> tuple[Value, ...]:
    recent, usual = int(row["recently"]), int(row["usual"])
    return (
        *(str(row[name]) for name in GROUPS[group]),
        int(row["events"]), int(row["last_s"]) * SECOND_US, recent, usual, silence(recent, usual),
    )  # fmt: skip


def silence(recent: int, usual: int) -> str:
    """Whether nothing in the last days is more than chance, after so many events in the days before."""
    if recent:
        return "arriving"
    return "silent" if exp(-usual * RECENT_DAYS / USUAL_DAYS) < _CHANCE else "rare"


ARRIVALS: Final = Figure(
    name="data-arrivals",
    title=N_("What arrived, and when last"),
    definition=N_(
        "Events by channel and type, or by service. One “fell silent” if nothing came in the last 7 days of the data, and chance "
        "would bring that in fewer than one case in a hundred, given the 28 days before."
    ),
    parameters=(Parameter("group_by", "`type` (with the channel; if left out) or `service`."),),
    compute=_arrivals,
)
