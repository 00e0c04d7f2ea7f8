"""What arrives: per channel and type, or per service, how many events, the last of them, and whether one fell silent."""

# ruff: noqa: S608 - what is put into these statements are names from the table below; values are bound
from math import exp
from typing import Final

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.summaries import answer
from services.insights.figures.table import MAX_ROWS, Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from services.insights.queries import Question, events_where
from shared.journey.instants import DAY_US, HOUR_US, SECOND_US

GROUPS: Final = {"type": ("channel", "type"), "service": ("service",)}
SILENT: Final = {"silent": N_("fell silent"), "arriving": N_("arriving"), "rare": N_("too rare to tell")}
RECENT_DAYS: Final = 7
USUAL_DAYS: Final = 28
_CHANCE: Final = 0.01
"""A silence is one that chance would bring in fewer than one case in a hundred."""


def arrivals_question(group: str, filters: Filters, end_us: int) -> Question:
    """Per group, over all time up to the end: events of the period, of the last days, of those before, and the last hour."""
    names = ", ".join(GROUPS[group])
    where, parameters = events_where(filters.without_rule().on(None, end_us))
    sql = f"""
        SELECT {names}, sumIf(found, hour >= {_at("from_us")}) AS events, sumIf(found, hour >= {_at("recent_us")}) AS recent,
            sumIf(found, hour >= {_at("usual_us")} AND hour < {_at("recent_us")}) AS usual,
            toUnixTimestamp(max(hour)) AS last_s
        FROM (
            SELECT {names}, toStartOfHour(time) AS hour, count() AS found FROM events {where} GROUP BY {names}, hour)
        GROUP BY {names} ORDER BY events DESC, {names} LIMIT {MAX_ROWS}"""
    recent_us = end_us - RECENT_DAYS * DAY_US
    about = {"from_us": filters.from_us or 0, "recent_us": recent_us, "usual_us": recent_us - USUAL_DAYS * DAY_US}
    return Question(sql, parameters | about)


def _at(name: str) -> str:
    return f"toDateTime(fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC'), 'UTC')"


def _arrivals(ask: Ask) -> Table:
    group = ask.parameter("group_by") or "type"
    if group not in GROUPS:
        raise Problem(422, "invalid-group", N_("“group_by” must be one of: %(allowed)s."), allowed=", ".join(GROUPS))
    periods = two_periods(ask)
    end_us = -(-min(periods.now.to_us or periods.data_end_us, periods.data_end_us) // HOUR_US) * HOUR_US
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
        [_row(group, row) for row in answer(ask.store, arrivals_question(group, periods.now, end_us))],
    )


def _row(group: str, row: dict[str, object]) -> tuple[Value, ...]:
    recent, usual = int(row["recent"]), int(row["usual"])  # type: ignore[call-overload]
    return (
        *(str(row[name]) for name in GROUPS[group]),
        int(row["events"]), int(row["last_s"]) * SECOND_US, recent, usual, silence(recent, usual),  # type: ignore[call-overload]
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
