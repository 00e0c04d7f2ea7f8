"""Friction points: per 1,000 contacts and online steps, by rule, by service and by territory."""

# ruff: noqa: S608 - what is put into these statements are conditions of named filters; values are bound
from typing import Final, NamedTuple

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.intervals import dispersion_of
from services.insights.figures.journey_filters import part_of_points
from services.insights.figures.overview_periods import NAMES, two_periods
from services.insights.figures.points_found import contact_points
from services.insights.figures.summaries import (
    FrictionRow,
    answer,
    events_summary,
    friction_summary,
    points_by_place,
)
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.observability import rule_statuses
from services.insights.ports import Store
from services.insights.queries import CASE_WORK_RULES, Question, points_where
from shared.journey.instants import DAY_US
from shared.journey.vocabulary import CITIZEN_TYPES

STATUSES: Final[dict[str, str]] = {
    "observed": N_("observed"),
    "not_observable": N_("cannot be observed"),
    "off": N_("switched off"),
}


class PointRate(NamedTuple):
    """Contacts and online steps, and points that do not stem from case work."""

    contacts: int
    points: int


_OF_CONTACTS: Final = "rule NOT IN {case_rules:Array(String)}"


def clusters_question(filters: Filters, points: int) -> Question:
    """Of points that do not stem from case work, of which there are so many: `points`, and as `squares` the sum of the squares of
    how many a journey holds; of many points of a part of the journeys (`part_of_points`).
    """
    where, parameters = points_where(filters, _OF_CONTACTS, *part_of_points(points))
    return Question(
        f"""
        SELECT sum(held) AS points, sum(held * held) AS squares
        FROM (SELECT sum(sign) AS held FROM points {where} GROUP BY journey_key HAVING held > 0)""",
        {**parameters, "case_rules": sorted(CASE_WORK_RULES)},
    )


def point_rate(store: Store, filters: Filters) -> PointRate:
    """What the rate of one period is made of."""
    contacts = events_summary(store, "type", filters.without_rule(), CITIZEN_TYPES).total
    return PointRate(contacts, contact_points(store, filters))


def point_dispersion(store: Store, filters: Filters, points: int) -> float:
    """The dispersion by journey of the points of a period (`dispersion_of`), of which there are so many."""
    (row,) = answer(store, clusters_question(filters, points))
    return dispersion_of(int(row["points"] or 0), float(row["squares"] or 0))


def anything_observed(ask: Ask, filters: Filters) -> bool:
    """Whether any rule (or the one asked for) could be judged where the filters look."""
    statuses = rule_statuses(ask.store, filters, ask.book)
    return any(status == "observed" for rule, status in statuses.items() if filters.rule in {None, rule})


def _per_1000(ask: Ask) -> Table:
    periods = two_periods(ask)
    return table(
        (
            Column(name="period", title=N_("Period"), kind="text", words=NAMES),
            Column(name="contacts", title=N_("Contacts and steps"), kind="count"),
            Column(name="points", title=N_("Friction points"), kind="count", small_cells=True),
            Column(name="per_1000", title=N_("Points per 1,000 contacts"), kind="rate", of="points"),
        ),
        [_rate_row(ask, name, filters) for name, filters in periods.named()],
        whole=False,
        notes=periods.notes(),
    )


def _in_all(ask: Ask) -> Table:
    periods = two_periods(ask)
    return table(
        (
            Column(name="period", title=N_("Period"), kind="text", words=NAMES),
            Column(name="contacts", title=N_("Contacts and steps"), kind="count"),
            Column(name="per_day", title=N_("A day, while there are data"), kind="rate"),
        ),
        [_in_all_row(ask, name, filters, periods.until_us(name)) for name, filters in periods.named()],
        notes=periods.notes(),
    )


def _in_all_row(ask: Ask, name: str, filters: Filters, until_us: int) -> tuple[Value, ...]:
    contacts = events_summary(ask.store, "type", filters.without_rule(), CITIZEN_TYPES).total
    days = (until_us - (filters.from_us or 0)) / DAY_US
    return name, contacts, contacts / days if days > 0 else None


def _rate_row(ask: Ask, name: str, filters: Filters) -> tuple[Value, ...]:
    found = point_rate(ask.store, filters)
    if not found.points and not anything_observed(ask, filters):
        return name, found.contacts, None, None
    return name, found.contacts, found.points, 1_000 * found.points / found.contacts if found.contacts else None


def _by_rule(ask: Ask) -> Table:
    found = friction_summary(ask.store, "rule", ask.filters, ask.book)
    return table(
        (
            Column(name="rule", title=N_("Rule"), kind="rule"),
            Column(name="status", title=N_("State"), kind="text", words=STATUSES),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True),
            Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True, of="points"),
            Column(name="known_citizen", title=N_("With known time of citizens"), kind="count", small_cells=True, of="points"),
            Column(name="minutes_citizen", title=N_("Lost by citizens"), kind="minutes", of="known_citizen"),
            Column(
                name="known_administration", title=N_("With known time of the administration"), kind="count",
                small_cells=True, of="points",
            ),
            Column(name="minutes_administration", title=N_("Lost by the administration"), kind="minutes", of="known_administration"),
        ),
        [_rule_row(row) for row in found.rows],
    )  # fmt: skip


def _rule_row(row: FrictionRow) -> tuple[Value, ...]:
    known = row.points is not None
    return (
        row.name, row.status, row.points, row.journeys,
        row.known_citizen if known else None, row.minutes_citizen,
        row.known_administration if known else None, row.minutes_administration,
    )  # fmt: skip


def _by_place(group: str) -> "Figure":
    titles = {
        "service": (N_("Service"), N_("Contacts, online steps and friction points by service")),
        "territory": (N_("Territory"), N_("Contacts, online steps and friction points by territory")),
    }
    column, title = titles[group]

    def compute(ask: Ask) -> Table:
        return _place_table(ask, group, column)

    return Figure(
        name=f"friction-by-{group}",
        title=title,
        definition=N_(
            "Points in force beside contacts and online steps. The rate leaves out the points that stem from work on cases "
            "(returns between teams, steps done again, reopened cases, missed deadlines)."
        ),
        compute=compute,
    )


def _place_table(ask: Ask, group: str, title: str) -> Table:
    events = {
        row.name: row.events for row in events_summary(ask.store, group, ask.filters.without_rule(), CITIZEN_TYPES).rows
    }
    points = points_by_place(ask.store, group, ask.filters)
    known = bool(points) or anything_observed(ask, ask.filters)
    rows = [(name, events.get(name, 0), *points.get(name, (0, 0))) for name in events.keys() | points.keys()]
    rows.sort(key=lambda row: (-row[1], -row[2], row[0]))
    return table(
        (
            Column(name=group, title=title, kind=group),  # type: ignore[arg-type]
            Column(name="events", title=N_("Contacts and steps"), kind="count"),
            Column(name="points", title=N_("Friction points"), kind="count", small_cells=True),
            Column(name="contact_points", title=N_("Of these, not from case work"), kind="count", small_cells=True, of="points"),
            Column(name="per_1000", title=N_("Points per 1,000 contacts"), kind="rate", of="contact_points"),
        ),
        [_place_row(*row, known=known) for row in rows],
    )  # fmt: skip


def _place_row(name: str, events: int, points: int, contact_points: int, *, known: bool) -> tuple[Value, ...]:
    """No rate where nothing can be divided, or case work is all there is."""
    if not known:
        return name, events, None, None, None
    rate = None if not events or (points and not contact_points) else 1_000 * contact_points / events
    return name, events, points, contact_points, rate


CONTACTS_IN_ALL: Final = Figure(
    name="contacts-in-all",
    title=N_("Contacts and online steps"),
    definition=N_(
        "Events of citizens: contacts, steps in online forms, complaints. Page views and what the back office does are not "
        "counted."
    ),
    compute=_in_all,
)
POINTS_PER_1000: Final = Figure(
    name="points-per-1000-contacts",
    title=N_("Friction points per 1,000 contacts"),
    definition=N_(
        "Points in force for every thousand contacts and online steps of the period, without the points that stem from work on "
        "cases (returns between teams, steps done again, reopened cases, missed deadlines)."
    ),
    compute=_per_1000,
)
FRICTION_BY_RULE: Final = Figure(
    name="friction-by-rule",
    title=N_("Friction points by rule"),
    definition=N_(
        "Points in force, the journeys they touch, and the minutes lost where these can be told, of how many points. A rule "
        "that cannot be observed has none: unknown, not zero."
    ),
    compute=_by_rule,
)
FRICTION_BY_SERVICE: Final = _by_place("service")
FRICTION_BY_TERRITORY: Final = _by_place("territory")
FIGURES: Final = (CONTACTS_IN_ALL, POINTS_PER_1000, FRICTION_BY_RULE, FRICTION_BY_SERVICE, FRICTION_BY_TERRITORY)
