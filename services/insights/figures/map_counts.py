"""The journey map as it was counted: nodes, passages and the points on them, of the journeys of one service."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct

from services.insights.figures import map_queries
from services.insights.figures.figure import Ask, Parameter
from services.insights.figures.journey_filters import of_one_service
from services.insights.figures.journey_nodes import Node, node_names
from services.insights.figures.map_queries import ALL, END, EVENTS, MAX_PATH, START
from services.insights.figures.once import once, side_by_side
from services.insights.figures.summaries import answer
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem

Edge = tuple[Node, Node]

_Spreads = Mapping[tuple[int, int, int], tuple[float, float]]
"""Median and 90th percentile of the seconds before a node, by its row (`_place`)."""

_Way = tuple[list[int], int]
"""The nodes of a way, and the journeys that went it."""

EVENTS_PARAMETER: Final = Parameter(
    "events",
    "Which events the map is made of: `all`, `citizen` (contacts, forms, complaints) or `steps` (those that carry a step);"
    " `all` if left out.",
)


class NodeCount(Struct, frozen=True, kw_only=True):
    """One step on one channel. `again` journeys pass it more than once; waits are known of `timed` of its events."""

    node: Node
    events: int
    journeys: int
    again: int
    timed: int
    median_s: float | None
    p90_s: float | None
    points: Mapping[str, int]


class PassageCount(Struct, frozen=True, kw_only=True):
    """A passage between successive events of a journey, from `START` or to `END` at its ends."""

    edge: Edge
    passages: int
    journeys: int
    median_s: float | None
    p90_s: float | None
    points: int


class JourneyMap(Struct, frozen=True, kw_only=True):
    """Nodes by journeys and passages by their number, most first; `points_elsewhere` belong to events not on the map."""

    filters: Filters
    events: str
    nodes: tuple[NodeCount, ...]
    passages: tuple[PassageCount, ...]
    points_elsewhere: int

    @property
    def journeys(self) -> int:
        """Journeys that hold an event of the map."""
        return sum(each.passages for each in self.passages if each.edge[0] == START)


class Path(Struct, frozen=True):
    """A complete path of journeys, from first to last event, and how many take it."""

    nodes: tuple[Node, ...]
    journeys: int


def chosen_events(ask: Ask) -> str:
    """The parameter `events`. Raises `Problem` 422."""
    events = ask.parameter("events") or EVENTS[0]
    if events not in EVENTS:
        raise Problem(422, "invalid-events", N_("“events” must be one of: %(allowed)s."), allowed=", ".join(EVENTS))
    return events


def read_map(ask: Ask) -> JourneyMap:
    """The map of the service asked for, else the busiest."""
    filters, events = of_one_service(ask.store, ask.filters), chosen_events(ask)
    return once(ask.store, ("map", filters, events), partial(_read_map, ask, filters, events))


def _read_map(ask: Ask, filters: Filters, events: str) -> JourneyMap:
    questions = {
        "passages": map_queries.passages(filters, events),
        "times": map_queries.times_between(filters, events),
        "points": map_queries.points_at(filters, events),
    }
    found = side_by_side({name: partial(answer, ask.store, question) for name, question in questions.items()})
    rows, at_events = found["passages"], found["points"]
    names = _names(ask, filters, {row[end] for row in (*rows, *at_events) for end in ("origin", "target")})
    points: dict[tuple[Node, Node], dict[str, int]] = defaultdict(dict)
    elsewhere = 0
    for row in at_events:
        if row["target"]:
            points[names[row["origin"]], names[row["target"]]][row["rule"]] = int(row["points"])
        else:
            elsewhere += int(row["points"])
    held: dict[Node, Counter[str]] = defaultdict(Counter)
    for (_, target), rules in points.items():
        held[target].update(rules)
    between = {_place(row): row["spread"] for row in found["times"]}
    nodes = [_node(row, names[row["target"]], held, between) for row in rows if row["total"] and row["target"]]
    passages = [_passage(row, names, points, between) for row in rows if not row["total"]]
    return JourneyMap(
        filters=filters,
        events=events,
        nodes=tuple(sorted(nodes, key=lambda each: (-each.journeys, -each.events, each.node))),
        passages=tuple(sorted(passages, key=lambda each: (-each.passages, each.edge))),
        points_elsewhere=elsewhere,
    )


def read_path(ask: Ask) -> Path | None:
    """The path that most journeys take; `None` where fewer share it than may be shown."""
    filters, events = of_one_service(ask.store, ask.filters), chosen_events(ask)
    nodes, journeys = _commonest(ask, filters, events) or _most_taken(ask, filters, events)
    if journeys < ask.small_cell_min:
        return None
    names = _names(ask, filters, set(nodes))
    return Path(tuple(names[node] for node in nodes), journeys)


def _commonest(ask: Ask, filters: Filters, events: str) -> _Way | None:
    """The path of a map of all events, where one way is more common than any other and no longer than a path may be."""
    if events != ALL:
        return None
    rows = answer(ask.store, map_queries.commonest_ways(filters))
    if not rows or rows[0]["journeys"] == rows[-1]["journeys"]:
        return None
    # A journey that goes on meanwhile may have left the way.
    found = answer(ask.store, map_queries.way_of(filters, rows[0]["way_key"]))
    known = found and 0 < len(found[0]["path"]) <= MAX_PATH
    return (found[0]["path"], int(rows[0]["journeys"])) if known else None


def _most_taken(ask: Ask, filters: Filters, events: str) -> _Way:
    """The path from all ways, told apart by their nodes where several are as common."""
    rows = answer(ask.store, map_queries.happy_path(filters, events))
    return (rows[0]["path"], int(rows[0]["journeys"])) if rows else ([], 0)


def _names(ask: Ask, filters: Filters, numbers: set[int]) -> dict[int, Node]:
    """The node of each number; 0 is `START` here, and `END` as a target."""
    return {0: START} | node_names(ask.store, filters, numbers - {0})


def _place(row: Mapping[str, Any]) -> tuple[int, int, int]:
    """Which passage or node a row is of."""
    return row["total"], row["origin"], row["target"]


def _node(row: Mapping[str, Any], node: Node, points: Mapping[Node, Mapping[str, int]], between: _Spreads) -> NodeCount:
    median_s, p90_s = _known(between.get(_place(row)))
    return NodeCount(
        node=node,
        events=int(row["passages"]),
        journeys=int(row["first_events"]),
        again=int(row["again"]),
        timed=int(row["timed"]),
        median_s=median_s,
        p90_s=p90_s,
        points=dict(points.get(node, {})),
    )


def _passage(
    row: Mapping[str, Any], names: Mapping[int, Node], points: Mapping[Edge, Mapping[str, int]], between: _Spreads
) -> PassageCount:
    median_s, p90_s = _known(between.get(_place(row)))
    edge = names[row["origin"]], names[row["target"]] if row["target"] else END
    return PassageCount(
        edge=edge,
        passages=int(row["passages"]),
        journeys=int(row["first_passages"]),
        median_s=median_s,
        p90_s=p90_s,
        points=sum(points.get(edge, {}).values()),
    )


def _known(spread: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return (None, None) if spread is None else (round(spread[0], 6), round(spread[1], 6))
