"""What is counted in every territory, added up along the tree; below the last level, in every office."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct, structs

from services.insights import queries
from services.insights.figures import intervals
from services.insights.figures.figure import Ask
from services.insights.figures.once import once, side_by_side
from services.insights.figures.overview_points import point_dispersion
from services.insights.figures.summaries import answer
from services.insights.figures.territories_paths import child_of, forked, is_within
from services.insights.figures.territories_protection import OWN, hidden_parts, hidden_territories
from services.insights.figures.territories_queries import (
    contacts_by_office,
    journeys_by_territory,
    points_by_office,
    points_by_territory,
)
from services.insights.filters import MAX_VALUE_CHARS, Filters
from services.insights.language import N_
from services.insights.observability import rule_statuses
from services.insights.problems import Problem
from shared.journey.vocabulary import CITIZEN_TYPES

MAX_DEPTH: Final = 20
"""Levels of a path that are told apart."""


class Place(Struct, frozen=True, kw_only=True):
    """What is counted in one place. `contact_points` do not stem from case work; minutes are `None` where none can be told.

    Of an office nothing is known of journeys: these belong to no office.
    """

    contacts: int = 0
    points: int = 0
    contact_points: int = 0
    minutes: float | None = None
    journeys: int = 0
    with_entry: int = 0
    not_alone: int = 0
    knowable: int = 0
    completed: int = 0

    def rate(self, dispersion: float) -> intervals.Estimate | None:
        """Points per 100 contacts; `None` without contacts, or where case work is all there is."""
        if self.points and not self.contact_points:
            return None
        return intervals.rate(self.contact_points, self.contacts / 100, dispersion=dispersion)


def together(places: Sequence[Place]) -> Place:
    """All of them added up."""
    if len(places) == 1:
        return places[0]
    known = [place.minutes for place in places if place.minutes is not None]
    return Place(
        contacts=sum(place.contacts for place in places),
        points=sum(place.points for place in places),
        contact_points=sum(place.contact_points for place in places),
        minutes=sum(known) if known else None,
        journeys=sum(place.journeys for place in places),
        with_entry=sum(place.with_entry for place in places),
        not_alone=sum(place.not_alone for place in places),
        knowable=sum(place.knowable for place in places),
        completed=sum(place.completed for place in places),
    )


class Part(Struct, frozen=True):
    """A territory directly below the one looked at, what is counted at that one itself, or an office."""

    path: str
    place: Place
    level: str
    hidden_points: bool
    hidden_journeys: bool


WHOLE: Final = "whole"
TERRITORY: Final = "territory"
ITSELF: Final = "itself"
OFFICE: Final = "office"
LEVELS: Final = {
    WHOLE: N_("the whole"),
    TERRITORY: N_("territory"),
    ITSELF: N_("no further territory given"),
    OFFICE: N_("office"),
}


class View(Struct, frozen=True, kw_only=True):
    """One territory, its parts (largest first), and how much more the points vary than single ones would.

    friction_known: whether any rule could be observed in it.
    """

    within: str
    whole: Part
    parts: list[Part]
    dispersion: float
    filters: Filters
    friction_known: bool


def read_within(ask: Ask) -> str | None:
    """The territory asked for: `within`, else the filter `territory`. Raises `Problem` 422 for one that cannot be."""
    within = (ask.parameter("within") or "").rstrip("/")
    if len(within) > MAX_VALUE_CHARS or "\0" in within:
        raise Problem(422, "invalid-territory", N_("No territory can have this name."))
    territory = ask.filters.territory
    if within and territory is not None and not is_within(within, territory):
        detail = N_("“%(within)s” does not lie in the territory “%(territory)s” of the filter.")
        raise Problem(422, "invalid-territory", detail, within=within, territory=territory)
    return within or territory


def everywhere(ask: Ask) -> dict[str, Place]:
    """What is counted per path, under all filters but the territory's: what may be shown is decided for the whole tree."""
    filters = structs.replace(ask.filters, territory=None)
    counted = side_by_side(
        {
            "journeys": partial(answer, ask.store, journeys_by_territory(filters)),
            "contacts": partial(answer, ask.store, queries.events_by("territory", filters, CITIZEN_TYPES)),
            "points": partial(answer, ask.store, points_by_territory(filters)),
        }
    )
    found: dict[str, list[Place]] = defaultdict(list)
    for row in counted["contacts"]:
        found[row["name"]].append(Place(contacts=int(row["events"])))
    for row in counted["points"]:
        found[row["name"]].append(_held(row))
    for row in counted["journeys"]:
        counts = {name: int(row[name]) for name in ("journeys", "with_entry", "not_alone", "knowable", "completed")}
        found[row["name"]].append(Place(**counts))
    return {name: together(places) for name, places in found.items()}


def _held(row: Mapping[str, Any]) -> Place:
    points = int(row["points"])
    return Place(points=points, contact_points=points - int(row["case_points"]), minutes=_minutes(row))


def _minutes(row: Mapping[str, Any]) -> float | None:
    known = [row[name] for name in ("minutes_citizen", "minutes_administration") if row[name] is not None]
    return sum(known) if known else None


def view(ask: Ask) -> View:
    """The territory asked for (without any: the first that has several parts) and its parts."""
    key = ("territory", ask.filters, ask.parameter("within"), ask.parameter("office"), ask.small_cell_min)
    return once(ask.store, key, partial(_view, ask))


def _view(ask: Ask) -> View:
    asked = read_within(ask)
    found = everywhere(ask)
    within = forked(found, "") if asked is None else asked
    filters = structs.replace(ask.filters, territory=within or None)
    hidden_points, hidden_journeys = (_hidden(found, counted, ask.small_cell_min) for counted in (_points, _journeys))
    inside = {path: place for path, place in found.items() if is_within(path, within)}
    total = together(list(inside.values()))
    whole = Part(within, total, WHOLE, within in hidden_points, within in hidden_journeys)
    parts = _parts(inside, within, hidden_points, hidden_journeys)
    if not any(part.level == TERRITORY for part in parts):
        parts = _offices(ask, filters, whole) or parts
    return View(
        within=within,
        whole=whole,
        parts=sorted(parts, key=lambda part: (-part.place.contacts, part.path)),
        dispersion=point_dispersion(ask.store, filters, total.contact_points),
        filters=filters,
        friction_known=bool(total.points) or "observed" in rule_statuses(ask.store, filters, ask.book).values(),
    )


def _points(place: Place) -> int:
    return place.points


def _journeys(place: Place) -> int:
    return place.journeys


def _hidden(found: Mapping[str, Place], counted: Callable[[Place], int], minimum: int) -> frozenset[str]:
    return hidden_territories({_bounded(path): counted(place) for path, place in found.items()}, minimum)


def _bounded(path: str) -> str:
    return "/".join(path.split("/")[:MAX_DEPTH])


def _parts(
    inside: Mapping[str, Place], within: str, hidden_points: frozenset[str], hidden_journeys: frozenset[str]
) -> list[Part]:
    """The territories directly below, and what names none of them."""
    places: dict[str, list[Place]] = defaultdict(list)
    for path, place in inside.items():
        places[child_of(path, within)].append(place)
    parts = []
    for path, held in places.items():
        # What is counted at the territory itself stands under a name of its own among its parts.
        name = path + OWN if path == within else path
        level = ITSELF if path == within else TERRITORY
        parts.append(Part(path, together(held), level, name in hidden_points, name in hidden_journeys))
    return parts


def _offices(ask: Ask, filters: Filters, whole: Part) -> list[Part]:
    """Below the last level: the offices that events name; nothing where none does."""
    rows = side_by_side(
        {
            "contacts": partial(answer, ask.store, contacts_by_office(filters)),
            "points": partial(answer, ask.store, points_by_office(filters)),
        }
    )
    counted: dict[str, list[Place]] = defaultdict(list)
    for row in rows["contacts"]:
        counted[row["name"]].append(Place(contacts=int(row["events"])))
    for row in rows["points"]:
        counted[row["name"]].append(_held(row))
    if not any(counted):
        return []
    found = {name: together(places) for name, places in counted.items()}
    counts = [(place.points, name) for name, place in found.items()]
    hidden = hidden_parts(counts, ask.small_cell_min, whole_hidden=whole.hidden_points)
    office = ask.parameter("office")
    return [
        Part(name, place, OFFICE if name else ITSELF, name in hidden, hidden_journeys=False)
        for name, place in found.items()
        if office in {None, name}
    ]
