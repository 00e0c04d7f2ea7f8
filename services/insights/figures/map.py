"""The journey map: steps and passages with their volumes, waits and friction points; the usual path; steps done again."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Final

from msgspec import structs

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.journey_filters import journey_notes
from services.insights.figures.map_counts import (
    EVENTS_PARAMETER,
    JourneyMap,
    NodeCount,
    PassageCount,
    read_map,
    read_path,
)
from services.insights.figures.map_cut import FREQUENCY_PARAMETER, chosen_frequency, cut
from services.insights.figures.map_protection import hidden_cells
from services.insights.figures.map_queries import END, START
from services.insights.figures.once import once
from services.insights.figures.placed import placed_notes
from services.insights.figures.suppression import is_few
from services.insights.figures.table import Column, Row, Table, Value
from services.insights.language import N_

ENDS: Final = {START[0]: N_("Journey begins"), END[0]: N_("Journey ends")}
"""What pages call the start and the end of a journey."""

_STEP: Final = Column(name="step", title=N_("Step"), kind="event")
_CHANNEL: Final = Column(name="channel", title=N_("Channel"), kind="channel")
_JOURNEYS: Final = Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True)
_POINTS: Final = Column(name="points", title=N_("Friction points noticed"), kind="count", small_cells=True)


def _end(side: str, step: str, channel: str) -> tuple[Column, Column]:
    return (
        Column(name=f"{side}_step", title=step, kind="event", words=ENDS),
        Column(name=f"{side}_channel", title=channel, kind="channel", words={}),
    )


def _spread(name: str, median: str, p90: str) -> tuple[Column, Column]:
    return (
        Column(name=f"{name}_median_s", title=median, kind="seconds", of="journeys"),
        Column(name=f"{name}_p90_s", title=p90, kind="seconds", of="journeys"),
    )


_Cells = tuple[tuple[Value, ...], set[str]]
"""The values of a row, and the columns that it hides."""


def _table(ask: Ask, columns: tuple[Column, ...], rows: Iterable[_Cells], by: str = "journeys") -> Table:
    """Rows in order of the column `by`; those that hide it come last, by their names, so that the order tells nothing."""
    shown = [Row(values, frozenset(hidden)) for values, hidden in rows]
    ordered = sorted(
        shown, key=lambda row: (by in row.withheld, [str(value) for value in row.values] if by in row.withheld else [])
    )
    notes = (*journey_notes(ask.filters), *placed_notes(ask.store))
    return Table(columns=columns, rows=tuple(ordered), whole=False, notes=notes)


def hidden_volumes(found: JourneyMap, minimum: int) -> frozenset[Hashable]:
    """The nodes and passages whose number of journeys stays unshown."""
    sums: dict[Hashable, list[Hashable]] = {"all": [each.node for each in found.nodes]}
    sums |= {(side, each.node): [each.node] for each in found.nodes for side in ("in", "out")}
    for each in found.passages:
        origin, target = each.edge
        sums.setdefault(("out", origin), []).append(each.edge)
        sums.setdefault(("in", target), []).append(each.edge)
    counts: dict[Hashable, int] = {each.node: each.journeys for each in found.nodes}
    counts |= {each.edge: each.journeys for each in found.passages}
    return hidden_cells(counts, sums.values(), minimum)


def hidden_points(found: JourneyMap, minimum: int) -> frozenset[Hashable]:
    """The nodes, passages and (node, rule) whose number of points stays unshown."""
    sums: dict[Hashable, list[Hashable]] = defaultdict(list)
    counts: dict[Hashable, int] = {}
    for node in found.nodes:
        counts[node.node] = sum(node.points.values())
        for group in ("all", ("in", node.node), ("rules", node.node)):
            sums[group].append(node.node)
        for rule, points in node.points.items():
            counts[node.node, rule] = points
            sums["rules", node.node].append((node.node, rule))
            sums[rule].append((node.node, rule))
    for passage in found.passages:
        counts[passage.edge] = passage.points
        sums["in", passage.edge[1]].append(passage.edge)
    return hidden_cells(counts, sums.values(), minimum)


def _unshown(
    ask: Ask, found: JourneyMap, hide: Callable[[JourneyMap, int], frozenset[Hashable]]
) -> frozenset[Hashable]:
    """What `hide` leaves unshown: the tables of a page ask it of the same map."""
    key = ("unshown", hide, found.filters, found.events, ask.small_cell_min)
    return once(ask.store, key, partial(hide, found, ask.small_cell_min))


def _steps(ask: Ask) -> Table:
    found = read_map(ask)
    frequency = chosen_frequency(ask)
    kept = cut(found, None if frequency is None else read_path(ask), frequency)
    volumes, points = _unshown(ask, found, hidden_volumes), _unshown(ask, found, hidden_points)
    columns = (
        _STEP,
        _CHANNEL,
        Column(name="events", title=N_("Events"), kind="count", of="journeys"),
        _JOURNEYS,
        *_spread("wait", N_("Time since the step before, median"), N_("Time since the step before, 9 in 10 within")),
        _POINTS,
    )

    def row(each: NodeCount) -> _Cells:
        hidden = _hidden({"journeys": each.node in volumes, "points": each.node in points})
        if each.timed < ask.small_cell_min and each.timed:
            hidden |= {"wait_median_s", "wait_p90_s"}
        points_held = sum(each.points.values())
        return (*each.node, each.events, each.journeys, each.median_s, each.p90_s, points_held), hidden

    table = _table(ask, columns, [row(each) for each in found.nodes if each.node in kept.nodes])
    return structs.replace(table, cut=len(kept.nodes) < len(found.nodes))


def _hidden(names: dict[str, bool]) -> set[str]:
    return {name for name, hidden in names.items() if hidden}


def _passages(ask: Ask) -> Table:
    found = read_map(ask)
    frequency = chosen_frequency(ask)
    kept = cut(found, None if frequency is None else read_path(ask), frequency)
    volumes, points = _unshown(ask, found, hidden_volumes), _unshown(ask, found, hidden_points)
    columns = (
        *_end("from", N_("From step"), N_("From channel")),
        *_end("to", N_("To step"), N_("To channel")),
        Column(name="passages", title=N_("Passages"), kind="count", of="journeys"),
        _JOURNEYS,
        *_spread("between", N_("Time between, median"), N_("Time between, 9 in 10 within")),
        _POINTS,
    )

    def row(each: PassageCount) -> _Cells:
        origin, target = each.edge
        values = (*origin, *target, each.passages, each.journeys, each.median_s, each.p90_s, each.points)
        return values, _hidden({"journeys": each.edge in volumes, "points": each.edge in points})

    table = _table(ask, columns, [row(each) for each in found.passages if each.edge in kept.edges])
    return structs.replace(table, cut=len(kept.edges) < len(found.passages))


def _points(ask: Ask) -> Table:
    found = read_map(ask)
    hidden = _unshown(ask, found, hidden_points)
    cells = sorted(
        ((points, each.node, rule) for each in found.nodes for rule, points in each.points.items()),
        key=lambda cell: (-cell[0], cell[1:]),
    )
    columns = (_STEP, _CHANNEL, Column(name="rule", title=N_("Rule"), kind="rule"), _POINTS)
    rows = [
        ((*node, rule, points), _hidden({"points": (node, rule) in hidden})) for points, node, rule in cells
    ]  # fmt: skip
    return _table(ask, columns, rows, by="points")


def _path(ask: Ask) -> Table:
    path = read_path(ask)
    columns = (Column(name="position", title=N_("Position"), kind="count"), _STEP, _CHANNEL, _JOURNEYS)
    nodes = path.nodes if path else ()
    rows = [((place, *node, path.journeys if path else 0), set[str]()) for place, node in enumerate(nodes, 1)]
    return Table(columns=columns, rows=tuple(Row(values) for values, _ in rows), whole=False)


def _rework(ask: Ask) -> Table:
    found = read_map(ask)
    volumes = _unshown(ask, found, hidden_volumes)
    columns = (
        _STEP,
        _CHANNEL,
        _JOURNEYS,
        Column(name="journeys_again", title=N_("Journeys that do it more than once"), kind="count", small_cells=True),
        Column(name="repeats", title=N_("Times done again"), kind="count", of="journeys_again"),
        Column(name="share", title=N_("Share of journeys"), kind="share", of="journeys_again"),
    )

    def row(each: NodeCount) -> _Cells:
        values = (*each.node, each.journeys, each.again, each.events - each.journeys, each.again / each.journeys)
        few = is_few(each.again, ask.small_cell_min)
        return values, _hidden({"journeys": each.node in volumes, "journeys_again": few or each.node in volumes})

    nodes = sorted((each for each in found.nodes if each.again), key=lambda each: (-each.again, each.node))
    return _table(ask, columns, [row(each) for each in nodes], by="journeys_again")


STEPS: Final = Figure(
    name="journey-map-steps",
    title=N_("Journey map: the steps"),
    definition=N_(
        "Of the journeys of one service that began in the period: each step (an event’s step, else its type) on each"
        " channel, its events, the journeys that pass it, the time since the event before in the same journey, and the"
        " friction points that belong to it. Without a service, the one with most journeys."
    ),
    parameters=(EVENTS_PARAMETER, FREQUENCY_PARAMETER),
    compute=_steps,
)
PASSAGES: Final = Figure(
    name="journey-map-passages",
    title=N_("Journey map: the passages"),
    definition=N_(
        "Passages between successive events of the journeys, from their beginning to their last event so far: how often,"
        " in how many journeys, the time between, and the friction points of the event passed to."
    ),
    parameters=(EVENTS_PARAMETER, FREQUENCY_PARAMETER),
    compute=_passages,
)
POINTS: Final = Figure(
    name="journey-map-points",
    title=N_("Journey map: friction points by step and rule"),
    definition=N_("Friction points in force of the journeys on the map, by the step they belong to and the rule."),
    parameters=(EVENTS_PARAMETER,),
    compute=_points,
)
PATH: Final = Figure(
    name="journey-map-path",
    title=N_("Journey map: the most frequent path"),
    definition=N_(
        "The path from the first to the last event that most journeys take, step by step, and how many take exactly it; of"
        " paths of at most 40 events. Nothing where too few journeys share one."
    ),
    parameters=(EVENTS_PARAMETER,),
    compute=_path,
)
REWORK: Final = Figure(
    name="rework",
    title=N_("Steps done more than once"),
    definition=N_(
        "Per step and channel, the journeys that do it more than once, and how many times beyond the first; steps that no"
        " journey repeats are left out."
    ),
    parameters=(EVENTS_PARAMETER,),
    compute=_rework,
)

FIGURES: Final = (STEPS, PASSAGES, POINTS, PATH, REWORK)
