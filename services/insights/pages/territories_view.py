"""What the page of territories shows, made ready for its template from the figures' tables."""

from itertools import groupby
from typing import Any, Final

from msgspec import Struct

from services.insights.charts.whiskers import Scale, Whisker, scale_from_zero, scale_round_zero
from services.insights.figures.compare_measures import MEASURES, UNITS
from services.insights.figures.intervals import Interval
from services.insights.figures.table import Table
from services.insights.figures.territories_parts import ROUTES
from services.insights.figures.territories_protection import ancestors

WIDTH: Final = 200
HEIGHT: Final = 60
MAX_ROWS: Final = 40


class PlaceRow(Struct, frozen=True):
    """One place: its values by column name, what is withheld, and the marks of its rate and of its gap."""

    values: dict[str, Any]
    withheld: frozenset[str]
    rate: Whisker | None
    gap: Whisker | None


class Scales(Struct, frozen=True):
    """Where the whole's rate lies on the axis of rates, and that axis' end."""

    whole: float | None
    high: float


class Multiple(Struct, frozen=True):
    """One small chart: the line in pieces (gaps where nothing is shown or known), single points, and its ends in words.

    `hidden`: how many stretches are not shown.
    """

    name: str
    lines: list[str]
    dots: list[tuple[float, float]]
    first: Any
    last: Any
    highest: float | None
    hidden: int


class Multiples(Struct, frozen=True):
    """All small charts on one scale; `first_start` is the day on which they begin."""

    charts: list[Multiple]
    highest: float
    first_start: str
    width: int = WIDTH
    height: int = HEIGHT


class RouteRow(Struct, frozen=True):
    """One route in one measure."""

    title: str
    values: dict[str, Any]
    withheld: frozenset[str]
    mark: Whisker | None


class RouteMeasure(Struct, frozen=True):
    """One measure (title and unit are messages) over the routes, on a scale of its own."""

    title: str
    unit: str
    rows: list[RouteRow]


def crumbs(within: str) -> list[tuple[str, str]]:
    """(path, name) from the top down to the territory shown, without the whole."""
    return [(path, path.rpartition("/")[2]) for path in ancestors(within) if path]


def rows(found: Table) -> list[PlaceRow]:
    """The whole, then its parts; rates on one scale from 0, gaps on one round 0."""
    records = found.records()[: MAX_ROWS + 1]
    rates, gaps = _rate_scale(records), scale_round_zero(_numbers(records, "gap_low", "gap_high"))
    return [
        PlaceRow(record, row.withheld, _mark(record, "per_100", rates), _mark(record, "gap", gaps))
        for record, row in zip(records, found.rows, strict=False)
    ]


def scales(found: Table) -> Scales:
    """The axis of the rates."""
    records = found.records()
    scale = _rate_scale(records)
    whole = records[0]["per_100"] if records else None
    return Scales(None if whole is None else scale.place(whole), scale.high)


def _rate_scale(records: list[dict[str, Any]]) -> Scale:
    """From 0 to a few times the whole's rate: a place with few contacts and a wide interval does not flatten the others."""
    wide = scale_from_zero(_numbers(records, "per_100_high", "per_100"))
    values = _numbers(records, "per_100")
    return scale_from_zero([min(wide.high, 1.6 * max(values, default=1.0) or 1.0)])


def _numbers(records: list[dict[str, Any]], *names: str) -> list[float]:
    return [record[name] for record in records for name in names if record[name] is not None]


def _mark(record: dict[str, Any], name: str, scale: Scale) -> Whisker | None:
    if record[name] is None:
        return None
    return scale.whisker(record[name], Interval(record[f"{name}_low"], record[f"{name}_high"]))


def multiples(found: Table) -> Multiples:
    """One line a territory; all on the scale of the highest."""
    records = [record | {"withheld": row.withheld} for record, row in zip(found.records(), found.rows, strict=True)]
    highest = max(_numbers(records, "per_100"), default=0.0) or 1.0
    charts = []
    for name, group in groupby(records, key=lambda record: record["place"]):
        charts.append(_multiple(str(name), list(group), highest))
    return Multiples(charts, highest, str(min((record["start"] for record in records), default="")))


def hidden_share(over_time: Table, parts: Table) -> float:
    """Of the cells along time that hold points, how many are not shown; parts whose total is not shown do not count."""
    totals = {record["place"] for record in parts.records() if record["points"]}
    hidden = told = 0
    for record, row in zip(over_time.records(), over_time.rows, strict=True):
        if record["place"] in totals:
            hidden += bool(row.withheld)
            told += bool(record["points"])
    return hidden / (hidden + told) if hidden else 0.0


def _multiple(name: str, records: list[dict[str, Any]], highest: float) -> Multiple:
    step = WIDTH / max(len(records) - 1, 1)
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, record in enumerate(records):
        if record["per_100"] is None:
            pieces.append([])
        else:
            pieces[-1].append((round(index * step, 1), round(HEIGHT - HEIGHT * record["per_100"] / highest, 1)))
    known = [record for record in records if record["per_100"] is not None]
    return Multiple(
        name,
        lines=[" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1],
        dots=[piece[0] for piece in pieces if len(piece) == 1],
        first=known[0] if known else None,
        last=known[-1] if known else None,
        highest=max((record["per_100"] for record in known), default=None),
        hidden=sum(bool(record["withheld"]) for record in records),
    )


def routes(found: Table) -> list[RouteMeasure]:
    """The measures by route, in the order of the table."""
    pairs = zip(found.records(), found.rows, strict=True)
    measures = []
    for name, group in groupby(pairs, key=lambda pair: pair[0]["measure"]):
        members = list(group)
        scale = scale_from_zero(_numbers([record for record, _ in members], "value", "value_high"))
        listed = [
            RouteRow(ROUTES[record["route"]], record, row.withheld, _mark(record, "value", scale))
            for record, row in members
        ]
        measures.append(RouteMeasure(MEASURES[name], UNITS[members[0][0]["unit"]], listed))
    return measures
