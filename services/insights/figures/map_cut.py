"""What of a journey map is drawn: the most frequent nodes and passages, within bounds, and what that leaves out."""

from itertools import pairwise
from math import ceil
from typing import Final, TypeVar

from msgspec import Struct

from services.insights.figures.figure import Ask, Parameter
from services.insights.figures.journey_nodes import Node
from services.insights.figures.map_counts import Edge, JourneyMap, Path
from services.insights.figures.map_queries import END, START
from services.insights.language import N_
from services.insights.problems import Problem

MAX_NODES: Final = 40
MAX_EDGES: Final = 100
SMALL_MAP: Final = 12
_USUAL: Final = 60
_USUAL_SMALL: Final = 80

FREQUENCY_PARAMETER: Final = Parameter(
    "frequency",
    f"Share of the most frequent steps and passages that is kept, 0 to 100 per cent, at most {MAX_NODES} steps and"
    f" {MAX_EDGES} passages; everything if left out.",
)


_Ranked = TypeVar("_Ranked", Node, Edge)


class Cut(Struct, frozen=True):
    """The nodes and passages that stay."""

    nodes: frozenset[Node]
    edges: frozenset[Edge]


def chosen_frequency(ask: Ask) -> int | None:
    """The parameter `frequency`, in per cent; `None` for everything. Raises `Problem` 422."""
    text = ask.parameter("frequency")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        raise Problem(422, "invalid-frequency", N_("“frequency” must be a whole number from 0 to 100."))
    return int(text)


def usual_frequency(found: JourneyMap) -> int:
    """The share, in per cent, that the page shows if not asked otherwise: more of a map of up to `SMALL_MAP` nodes."""
    return _USUAL_SMALL if len(found.nodes) <= SMALL_MAP else _USUAL


def cut(found: JourneyMap, path: Path | None, frequency: int | None) -> Cut:
    """The share `frequency` of nodes, by journeys, and of the passages between them, by number.

    The most frequent path always stays, as do the most frequent ways into and out of each node that stays: no node floats.
    """
    if frequency is None:
        return Cut(frozenset(each.node for each in found.nodes), frozenset(each.edge for each in found.passages))
    ranked = [each.node for each in found.nodes]
    on_path = list(path.nodes) if path else []
    nodes = _first([*on_path, *ranked], max(_share(ranked, frequency), len(set(on_path))), MAX_NODES)
    inside = {*nodes, START, END}
    edges = [each.edge for each in found.passages if inside.issuperset(each.edge)]
    needed = _path_edges(path) + _main_ways(edges)
    kept = _first([*needed, *edges], max(_share(edges, frequency), len(set(needed))), MAX_EDGES)
    return Cut(frozenset(nodes), frozenset(kept))


def _share(ranked: list[_Ranked], frequency: int) -> int:
    return max(1, ceil(len(ranked) * frequency / 100))


def _first(ranked: list[_Ranked], count: int, limit: int) -> list[_Ranked]:
    return list(dict.fromkeys(ranked))[: min(count, limit)]


def _path_edges(path: Path | None) -> list[Edge]:
    nodes = [START, *path.nodes, END] if path else []
    return list(pairwise(nodes))


def _main_ways(edges: list[Edge]) -> list[Edge]:
    """The most frequent passage into each node from another, and out of it."""
    into: dict[Node, Edge] = {}
    out: dict[Node, Edge] = {}
    for edge in edges:
        if edge[0] != edge[1]:
            into.setdefault(edge[1], edge)
            out.setdefault(edge[0], edge)
    return [edge for edge in edges if edge in {*into.values(), *out.values()}]
