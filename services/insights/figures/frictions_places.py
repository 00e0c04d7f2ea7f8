"""Where one rule's points concentrate: steps, territories, channels, offices, services, as rates, so that size is no trouble."""

# ruff: noqa: S608 - what is put into these statements are names from the table below; values are bound
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.intervals import (
    CONFIDENCE,
    Estimate,
    corrected,
    difference,
    dispersion_of,
    rate,
    reading,
)
from services.insights.figures.journey_filters import part_of_points
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Kind, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from services.insights.queries import (
    CASE_WORK_RULES,
    MAX_GROUPS,
    Question,
    points_where,
)
from services.insights.sums import sums
from shared.journey.vocabulary import CITIZEN_TYPES

GROUPS: Final[dict[str, tuple[Kind, str]]] = {
    "channel": ("channel", N_("Channel")),
    "step": ("text", N_("Step")),
    "territory": ("territory", N_("Territory")),
    "service": ("service", N_("Service")),
    "office": ("text", N_("Office")),
}
READINGS: Final = {
    "higher": N_("more than elsewhere"),
    "lower": N_("less than elsewhere"),
    "no_difference": N_("as elsewhere"),
    "unknown": N_("not known"),
}


_TOGETHER: Final = (("service", "channel"), ("step", "office"), ("territory",))
"""Groups that one question answers: those that sums hold beside each other."""
_MONTHLY: Final = frozenset({"step", "territory", "office"})


class Place(NamedTuple):
    """One place: points in force, how they cluster by journey (`dispersion_of`), and the events there."""

    name: str
    points: int
    sampled: int
    squares: float
    events: int


def points_question(group: str, filters: Filters) -> Question:
    """Per place of the group and of those that are asked with it (`_TOGETHER`): points in force."""
    names = _asked_together(group)
    select = f"SELECT {names}, sum(sign) AS found FROM points $where GROUP BY {names}"
    found, parameters = sums("points", select, filters, monthly=group in _MONTHLY)
    return Question(f"SELECT {names}, sum(found) AS points FROM ({found}) GROUP BY {names}", parameters)


def events_question(group: str, filters: Filters) -> Question:
    """As `points_question`: all events, and `citizen_events`, the contacts and online steps."""
    names = _asked_together(group)
    select = f"""
        SELECT {names}, type IN {{citizen_types:Array(String)}} AS citizen, count() AS found
        FROM events $where GROUP BY {names}, citizen"""
    found, parameters = sums("events", select, filters.without_rule(), monthly=group in _MONTHLY)
    sql = f"""
        SELECT {names}, sum(found) AS events, sumIf(found, citizen) AS citizen_events
        FROM ({found}) GROUP BY {names}"""
    return Question(sql, {**parameters, "citizen_types": sorted(CITIZEN_TYPES)})


def _asked_together(group: str) -> str:
    return next(", ".join(names) for names in _TOGETHER if _allowed(group) in names)


def _counts(ask: Ask, question: Question, group: str, count: str) -> dict[str, int]:
    """Per place of the group what is more than 0, the most first."""
    found: dict[str, int] = {}
    for row in answer(ask.store, question):
        found[row[group]] = found.get(row[group], 0) + int(row[count])
    ordered = sorted(((-number, name) for name, number in found.items() if number > 0))
    return {name: -number for number, name in ordered[:MAX_GROUPS]}


def squares_question(filters: Filters, points: int) -> Question:
    """Points in force and the sum of the squares of each journey's, by each of `GROUPS` by itself, read once:
    in `left_out` a bit for each of them, the first the highest, that is 0 for the one that a row is about.
    """
    names = ", ".join(GROUPS)
    sets = ", ".join(f"({name}, journey_key)" for name in GROUPS)
    where, parameters = points_where(filters, *part_of_points(points))
    sql = f"""
        SELECT left_out, {names}, sum(found) AS points, sum(found * found) AS squares
        FROM (
            SELECT grouping({names}) AS left_out, {names}, sum(sign) AS found
            FROM points {where} GROUP BY GROUPING SETS ({sets}) HAVING found > 0)
        GROUP BY left_out, {names}"""
    return Question(sql, parameters)


def _spread(ask: Ask, group: str, points: int) -> dict[str, tuple[int, float]]:
    """Per place: of a part of the journeys, points in force and the sum of the squares of each journey's."""
    names = list(GROUPS)
    only = (1 << len(names)) - 1 - (1 << (len(names) - 1 - names.index(group)))
    return {
        row[group]: (int(row["points"]), float(row["squares"]))
        for row in answer(ask.store, squares_question(ask.filters, points))
        if row["left_out"] == only
    }


def _allowed(group: str) -> str:
    if group not in GROUPS:
        raise Problem(422, "invalid-group", N_("“group_by” must be one of: %(allowed)s."), allowed=", ".join(GROUPS))
    return group


def found_places(ask: Ask, group: str) -> list[Place]:
    """All places with points or events (contacts and online steps; of a step or of work on cases all), most points first."""
    points = _counts(ask, points_question(group, ask.filters), group, "points")
    spread = _spread(ask, group, sum(points.values())) if points else {}
    all_events = group == "step" or ask.filters.rule in CASE_WORK_RULES
    events = _counts(ask, events_question(group, ask.filters), group, "events" if all_events else "citizen_events")
    found = [
        Place(name, points.get(name, 0), *spread.get(name, (0, 0.0)), events.get(name, 0))
        for name in points.keys() | events.keys()
    ]
    return sorted(found, key=lambda each: (-each.points, -each.events, each.name))


def together(places: Sequence[Place]) -> Place:
    """All places added up."""
    return Place(
        "",
        sum(place.points for place in places),
        sum(place.sampled for place in places),
        sum(place.squares for place in places),
        sum(place.events for place in places),
    )


def against_the_rest(place: Place, whole: Place, confidence: float) -> Estimate | None:
    """The rate per 1,000 events here less that of all other places of the whole; `None` where there are none."""
    here = rate(place.points, place.events / 1_000, confidence, dispersion_of(place.sampled, place.squares))
    there = rate(
        whole.points - place.points, (whole.events - place.events) / 1_000, confidence,
        dispersion_of(whole.sampled - place.sampled, whole.squares - place.squares),
    )  # fmt: skip
    return None if here is None or there is None else difference(here, there)


def _concentration(ask: Ask) -> Table:
    group = ask.parameter("group_by") or "channel"
    kind, title = GROUPS[_allowed(group)]
    places = found_places(ask, group)
    compared = [place for place in places if place.name]
    whole = together(compared) if len(compared) > 1 else None
    confidence = corrected(CONFIDENCE, len(compared))
    return table(
        (
            Column(name="name", title=title, kind=kind),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True),
            Column(name="events", title=N_("Contacts and steps"), kind="count"),
            Column(name="per_1000", title=N_("Per 1,000"), kind="rate", of="points"),
            Column(name="difference", title=N_("Against elsewhere"), kind="rate", of="points"),
            Column(name="low", title=N_("Difference at least"), kind="rate", of="points"),
            Column(name="high", title=N_("Difference at most"), kind="rate", of="points"),
            Column(name="reading", title=N_("Reading"), kind="text", words=READINGS, of="points"),
        ),
        [_row(place, whole, confidence) for place in places if place.points or place.events],
    )


def _row(place: Place, whole: Place | None, confidence: float) -> tuple[Value, ...]:
    estimate = against_the_rest(place, whole, confidence) if place.name and whole is not None else None
    return (
        place.name, place.points, place.events,
        1_000 * place.points / place.events if place.events else None,
        None if estimate is None else estimate.value,
        None if estimate is None else estimate.interval.low,
        None if estimate is None else estimate.interval.high,
        reading(None if estimate is None else estimate.interval),
    )  # fmt: skip


CONCENTRATION: Final = Figure(
    name="friction-concentration",
    title=N_("Where it concentrates"),
    definition=N_(
        "Points in force by channel, step, territory, service or office, per 1,000 contacts and online steps there (of a step, "
        "and of work on cases: per 1,000 events there), beside all other places together. “More than elsewhere” only where the "
        "interval of the difference, for all places at once and with several points of one journey counted in, leaves out zero."
    ),
    parameters=(Parameter("group_by", f"{', '.join(f'`{name}`' for name in GROUPS)}; `channel` if left out."),),
    compute=_concentration,
)
