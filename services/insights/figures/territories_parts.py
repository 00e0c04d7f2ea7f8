"""Territories: one and its parts side by side, along time, and by the route on which journeys began."""

from typing import Final

from services.insights.figures import intervals
from services.insights.figures.compare_measures import (
    MEASURES,
    NOTHING,
    UNIT_OF,
    UNITS,
    Totals,
    difference,
    measure,
    totals_by,
)
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.intervals import Estimate, Interval
from services.insights.figures.journey_filters import journey_notes, of_one_service
from services.insights.figures.suppression import is_few
from services.insights.figures.table import Column, Row, Table, Value
from services.insights.figures.territories_places import ITSELF, LEVELS, OFFICE, WHOLE, Part, Place, View, view
from services.insights.figures.territories_queries import ALONE, ASSISTED
from services.insights.language import N_

WITHIN: Final = Parameter(
    "within", "The territory whose parts are shown; without, the first from the top that has several parts."
)
ROUTES: Final = {
    "alone": N_("online, alone"),
    "assisted": N_("online, with a partner's help"),
    "other": N_("by phone, at the counter, by post or e-mail"),
}
_ROUTE_OF: Final = """multiIf(entry_channel IN {alone:Array(String)}, 'alone', entry_channel = {assisted:String}, 'assisted',
    'other')"""
_ROUTE_MEASURES: Final = ("with_friction", "points", "contacts", "completion")


def three(name: str, title: str, kind: str, of: str) -> tuple[Column, ...]:
    """The columns of a value and its interval."""
    return (
        Column(name=name, title=title, kind=kind, of=of),  # type: ignore[arg-type]
        Column(name=f"{name}_low", title=N_("at least"), kind=kind, of=of),  # type: ignore[arg-type]
        Column(name=f"{name}_high", title=N_("at most"), kind=kind, of=of),  # type: ignore[arg-type]
    )


COLUMNS: Final = (
    Column(name="place", title=N_("Territory or office"), kind="territory"),
    Column(name="level", title=N_("Level"), kind="text", words=LEVELS),
    Column(name="contacts", title=N_("Contacts and steps"), kind="count"),
    Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True),
    Column(name="points", title=N_("Friction points"), kind="count", small_cells=True),
    *three("per_100", N_("Points per 100 contacts"), "rate", "points"),
    *three("gap", N_("Difference from the whole"), "rate", "points"),
    Column(name="reading", title=N_("Against the whole"), kind="text", of="points", words=READINGS),
    *three("completion", N_("Completed, of those that began a form or a case"), "share", "journeys"),
    Column(name="minutes", title=N_("Time lost, as far as known"), kind="minutes", of="points"),
    *three("not_alone", N_("Begun with help or not online"), "share", "journeys"),
)


def _territories(ask: Ask) -> Table:
    found = view(ask)
    rows = [
        _row(found.whole, found, ask.small_cell_min),
        *(_row(part, found, ask.small_cell_min) for part in found.parts),
    ]
    return Table(columns=COLUMNS, rows=tuple(rows), whole=False, notes=journey_notes(ask.filters))


def _row(part: Part, found: View, minimum: int) -> Row:
    place = part.place
    rate = place.rate(found.dispersion) if found.friction_known else None
    gap = None if part.level == WHOLE or rate is None else _gap(place, found)
    known = part.level != OFFICE and not _is_office_rest(part, found)
    completion = intervals.share(place.completed, place.knowable) if place.completed else None
    not_alone = intervals.share(place.not_alone, place.with_entry)
    values: list[Value] = [
        part.path, part.level, place.contacts, place.journeys if known else None, place.points if found.friction_known else None,
        *_values(rate), *_values(gap), None if gap is None else intervals.reading(gap.interval),
        *_values(completion), place.minutes, *_values(not_alone),
    ]  # fmt: skip
    withheld = _withheld(part, found, minimum)
    shown = [None if column.name in withheld else value for column, value in zip(COLUMNS, values, strict=True)]
    return Row(tuple(shown), frozenset(withheld))


def _is_office_rest(part: Part, found: View) -> bool:
    """What names no office, where the others are offices."""
    return part.level == ITSELF and any(other.level == OFFICE for other in found.parts)


def _values(found: Estimate | None) -> tuple[Value, Value, Value]:
    return (None, None, None) if found is None else (found.value, *found.interval)


def _gap(place: Place, found: View) -> Estimate | None:
    """The part's rate minus that of the whole it belongs to, from its difference to all the others together.

    The whole holds the part itself: its difference to the whole is that to the rest, times the part of all contacts that the
    rest has.
    """
    whole = found.whole.place
    rest = Place(
        contacts=whole.contacts - place.contacts,
        points=whole.points - place.points,
        contact_points=whole.contact_points - place.contact_points,
    )
    one, other = place.rate(found.dispersion), rest.rate(found.dispersion)
    if one is None or other is None:
        return None
    far = intervals.difference(one, other)
    share = rest.contacts / whole.contacts
    return Estimate(far.value * share, Interval(far.interval.low * share, far.interval.high * share))


_RATE_COLUMNS: Final = ("per_100", "per_100_low", "per_100_high", "gap", "gap_low", "gap_high", "reading")
_COMPLETION_COLUMNS: Final = ("completion", "completion_low", "completion_high")
_ROUTE_COLUMNS: Final = ("not_alone", "not_alone_low", "not_alone_high")


def _withheld(part: Part, found: View, minimum: int) -> set[str]:
    """What the tree hides, and shares that few make up or few do not."""
    place = part.place
    withheld: set[str] = set()
    if part.hidden_points:
        withheld |= {"points", "minutes", *_RATE_COLUMNS}
    case_points = place.points - place.contact_points
    if is_few(place.contact_points, minimum) or is_few(case_points, minimum):
        withheld |= set(_RATE_COLUMNS)
    if found.whole.hidden_points:
        withheld |= {"gap", "gap_low", "gap_high"}
    if part.hidden_journeys:
        withheld |= {"journeys", *_COMPLETION_COLUMNS, *_ROUTE_COLUMNS}
    if _tells(place.completed, place.knowable, minimum):
        withheld |= set(_COMPLETION_COLUMNS)
    if _tells(place.not_alone, place.with_entry, minimum):
        withheld |= set(_ROUTE_COLUMNS)
    return withheld


def _tells(count: int, of: int, minimum: int) -> bool:
    return is_few(count, minimum) or is_few(of - count, minimum)


def _routes(ask: Ask) -> Table:
    found = view(ask)
    filters = of_one_service(ask.store, found.filters)
    counted = totals_by(
        ask.store,
        filters,
        _ROUTE_OF,
        "entry_channel != ''",
        values={"alone": list(ALONE), "assisted": ASSISTED},
        minutes=False,
    )
    groups = {route: counted.get(route, NOTHING) for route in ROUTES}
    hidden = found.whole.hidden_journeys
    rows = [
        _route_row(route, name, groups, ask.small_cell_min, hidden=hidden)
        for name in _ROUTE_MEASURES
        for route in ROUTES
    ]
    return Table(columns=ROUTE_COLUMNS, rows=tuple(rows), whole=False, notes=journey_notes(ask.filters))


ROUTE_COLUMNS: Final = (
    Column(name="measure", title=N_("Measure"), kind="text", words={name: MEASURES[name] for name in _ROUTE_MEASURES}),
    Column(name="unit", title=N_("Unit"), kind="text", words=UNITS),
    Column(name="route", title=N_("Journeys begun…"), kind="text", words=ROUTES),
    Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True),
    *three("value", N_("Value"), "decimal", "journeys"),
    *three("gap", N_("Difference from online, alone"), "decimal", "journeys"),
    Column(name="reading", title=N_("Against online, alone"), kind="text", of="journeys", words=READINGS),
)


def _route_row(route: str, name: str, groups: dict[str, Totals], minimum: int, *, hidden: bool) -> Row:
    each = measure(name, groups[route], minimum)
    alone = measure(name, groups["alone"], minimum)
    gap = None
    if route != "alone" and each.estimate is not None and alone.estimate is not None:
        gap = difference(name, groups[route], groups["alone"])
    reading = None if route == "alone" else intervals.reading(None if gap is None else gap.interval)
    values: list[Value] = [name, UNIT_OF[name], route, each.of, *_values(each.estimate), *_values(gap), reading]
    withheld: set[str] = set()
    if each.few or hidden:
        withheld |= {"value", "value_low", "value_high"}
    if each.few or alone.few or hidden:
        withheld |= {"gap", "gap_low", "gap_high", "reading"}
    if is_few(each.of, minimum) or hidden:
        withheld.add("journeys")
    shown = [None if column.name in withheld else value for column, value in zip(ROUTE_COLUMNS, values, strict=True)]
    return Row(tuple(shown), frozenset(withheld))


TERRITORIES: Final = Figure(
    name="territories",
    title=N_("A territory and its parts"),
    definition=N_(
        "Contacts and points by the territory that their event names, journeys by the first that any of their events names, added "
        "up along the tree; below its last level, offices. Points per 100 contacts leave out those that stem from case work; their "
        "intervals (95 percent) allow for points of one journey coming together. Not online, or with a partner's help: by the "
        "channel on which a journey began."
    ),
    parameters=(WITHIN, Parameter("office", "Only this office, where offices are shown.")),
    compute=_territories,
)
TERRITORIES_ROUTES: Final = Figure(
    name="territories-routes",
    title=N_("Routes: alone online, with help, otherwise"),
    definition=N_(
        "Journeys of one service (the busiest if none is chosen) in this territory by how they began: online without help (web, chat, "
        "bot, social networks), online with a partner who acts for the citizen, or otherwise. Intervals hold with 95 percent."
    ),
    parameters=(WITHIN,),
    compute=_routes,
)
