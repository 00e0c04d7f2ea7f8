"""One rule along time, and the typical point of it in words."""

# ruff: noqa: S608 - what is put into these statements are names from `queries`; values are bound
from typing import Final

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Kind, Table, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from services.insights.queries import Question, points_in_force, points_over_time
from services.insights.sums import BINS
from shared.detection.sentences import sentence
from shared.journey.instants import SECOND_US, to_text


def _over_time(ask: Ask) -> Table:
    unit = ask.parameter("unit") or "month"
    if unit not in BINS:
        raise Problem(422, "invalid-unit", N_("“unit” must be one of: %(allowed)s."), allowed=", ".join(BINS))
    rows = answer(ask.store, points_over_time(unit, two_periods(ask).now))
    return table(
        (
            Column(name="start", title=N_("Period from"), kind="day" if unit != "hour" else "text"),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True),
        ),
        [(to_text(row["start_s"] * SECOND_US)[: 16 if unit == "hour" else 10], int(row["points"])) for row in rows],
    )


FRICTION_OVER_TIME: Final = Figure(
    name="friction-over-time",
    title=N_("Friction points over time"),
    definition=N_("Points in force by the time of the point. A point that later events took back is gone."),
    parameters=(
        Parameter("unit", f"How time is divided: {', '.join(f'`{unit}`' for unit in BINS)}; `month` if left out."),
    ),
    compute=_over_time,
)


_NUMBERS: Final = ("gap_s", "wait_s", "span_s", "errors", "transfers", "form_events", "rating")
"""Figures of points whose median says something."""
_SAID_BY: Final = {
    **dict.fromkeys(("repeat_contact", "unanswered_retry", "channel_switch", "repeated_request", "rework"), ("gap_s",)),
    **dict.fromkeys(("long_wait", "queue_abandoned"), ("wait_s",)),
    "form_abandoned": ("form_events",),
    "error_loop": ("span_s", "errors"),
    "transfer_loop": ("transfers",),
    "low_rating": ("rating",),
}
"""Which of them points of a rule have; of other rules none. Source: docs/definitions/decisions.md."""


def typical_question(filters: Filters) -> Question:
    """The most frequent pair of channels (before, and of the point): its journeys, points, and medians of the figures."""
    said = _NUMBERS if filters.rule is None else _SAID_BY.get(filters.rule, ())
    columns = ("journey_key", "channel", "earlier_channel", *(f"said_{name}" for name in said))
    found, parameters = points_in_force(columns, filters)
    medians = "".join(
        f", quantileExactIf(0.5)(assumeNotNull(said_{name}), said_{name} IS NOT NULL) AS {name}, "
        f"countIf(said_{name} IS NOT NULL) AS n_{name}"
        for name in said
    )
    sql = f"""
        SELECT channel, earlier_channel AS earlier, uniqExact(journey_key) AS journeys, count() AS points{medians}
        FROM ({found}) GROUP BY channel, earlier ORDER BY points DESC, channel, earlier LIMIT 1"""
    return Question(sql, parameters)


def _typical(ask: Ask) -> Table:
    rows = answer(ask.store, typical_question(two_periods(ask).now))
    return table(
        (
            Column(name="channel", title=N_("Channel"), kind="channel", of="journeys"),
            Column(name="earlier_channel", title=N_("Channel before"), kind="channel", of="journeys"),
            Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True, of="journeys"),
            *(Column(name=name, title=_TITLES[name], kind=_KINDS.get(name, "decimal"), of="journeys") for name in _NUMBERS),
        ),
        [
            (
                row["channel"], row["earlier"], int(row["journeys"]), int(row["points"]),
                *(float(row[name]) if row.get(f"n_{name}") else None for name in _NUMBERS),
            )
            for row in rows
        ],
        whole=False,
    )  # fmt: skip


_TITLES: Final = {
    "gap_s": N_("Since the event before (median)"),
    "wait_s": N_("Waited (median)"),
    "span_s": N_("Within (median)"),
    "errors": N_("Errors (median)"),
    "transfers": N_("Transfers (median)"),
    "form_events": N_("Actions in the form (median)"),
    "rating": N_("Rating (median)"),
}
_KINDS: Final[dict[str, Kind]] = {"gap_s": "seconds", "wait_s": "seconds", "span_s": "seconds"}

FRICTION_TYPICAL: Final = Figure(
    name="friction-typical",
    title=N_("The typical point"),
    definition=N_(
        "Of the most frequent pair of channels among the points in force: the medians of what the points say. No single point "
        "stands behind it."
    ),
    compute=_typical,
)


def typical_sentence(found: Table, rule: str, lang: str) -> str | None:
    """The typical point in words; `None` where nothing may be shown, or nothing is known."""
    record = found.records()[0] if found.rows else None
    if record is None or record["journeys"] is None:
        return None
    figures: dict[str, float | str] = {name: record[name] for name in _NUMBERS if record[name] is not None}
    return sentence(
        rule, lang, {**figures, "earlier_channel": str(record["earlier_channel"] or "")}, {},
        {"channel": str(record["channel"] or "")},
    )  # fmt: skip


FIGURES: Final = (FRICTION_OVER_TIME, FRICTION_TYPICAL)
