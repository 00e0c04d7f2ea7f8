"""Where the nodes of a directed graph stand and how its edges run: in layers, from the top down.

Heavy edges point downwards; the lighter ones that would close a circle run upwards. Layers and places within them come from
`fast_sugiyama`; the same graph always gets the same drawing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import fast_sugiyama
from msgspec import Struct

NODE_SPACING: Final = 248
"""Pixels from the middle of one node to that of its neighbour."""
LANE: Final = 26
"""Pixels kept free for a line that passes a layer."""

Pair = tuple[int, int]
Bend = tuple[float, int]
"""A place where a line passes a layer: pixels from the left, number of the layer."""


class Layout(Struct, frozen=True):
    """Per node its middle (pixels from the left) and layer (0 at the top).

    bends: per downward pair of nodes, the places where its line passes the layers between. upward: edges that run against
    the direction; their line is that of the pair turned round. width: from the leftmost to the rightmost middle.
    """

    middles: dict[int, float]
    layers: dict[int, int]
    bends: dict[Pair, list[Bend]]
    upward: frozenset[Pair]
    width: float
    depth: int


def layout(nodes: Iterable[int], weights: Mapping[Pair, float]) -> Layout:
    """The drawing of these nodes and edges, which have weights; loops are left to whoever draws."""
    edges = {pair: weight for pair, weight in weights.items() if pair[0] != pair[1]}
    upward = _upward(edges)
    pairs = sorted({pair[::-1] if pair in upward else pair for pair in edges})
    middles: dict[int, float] = {}
    layers: dict[int, int] = {}
    bends: dict[Pair, list[Bend]] = {}
    left = 0.0
    for part in _components(nodes, pairs):
        right = left
        for node, (x, layer) in part.places.items():
            middles[node], layers[node] = left + x, layer
            right = max(right, left + x)
        for pair, places in part.bends.items():
            bends[pair] = [(left + x, layer) for x, layer in places]
            right = max([right, *(left + x for x, _ in places)])
        left = right + NODE_SPACING
    return Layout(middles, layers, bends, upward, max(left - NODE_SPACING, 0.0), 1 + max(layers.values(), default=0))


def _upward(weights: Mapping[Pair, float]) -> frozenset[Pair]:
    """The edges that close a circle with heavier ones: taken from the heaviest on, each that closes none points down."""
    below: dict[int, set[int]] = defaultdict(set)
    upward = set()
    for origin, target in sorted(weights, key=lambda pair: (-weights[pair], pair)):
        if _reaches(target, origin, below):
            upward.add((origin, target))
        else:
            below[origin].add(target)
    return frozenset(upward)


def _reaches(start: int, end: int, below: Mapping[int, set[int]]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == end:
            return True
        fresh = below.get(node, set()) - seen
        seen |= fresh
        waiting.extend(fresh)
    return False


class _Part(Struct, frozen=True):
    """A connected part of the graph, its leftmost place at 0."""

    places: dict[int, Bend]
    bends: dict[Pair, list[Bend]]


def _components(nodes: Iterable[int], pairs: list[Pair]) -> list[_Part]:
    """The connected parts, that of the smallest node first."""
    group = {node: {node} for node in nodes}
    for origin, target in pairs:
        if group[origin] is not group[target]:
            group[origin] |= group[target]
            for node in group[target]:
                group[node] = group[origin]
    parts = {min(each): each for each in group.values()}
    return [
        _place(sorted(parts[first]), [pair for pair in pairs if pair[0] in parts[first]]) for first in sorted(parts)
    ]


def _place(nodes: list[int], pairs: list[Pair]) -> _Part:
    if not pairs:
        return _Part(dict.fromkeys(nodes, (0.0, 0)), {})
    number = {node: index for index, node in enumerate(nodes)}
    # Numbers from 0 on: the library calls its own bends by the numbers that follow.
    found = fast_sugiyama.from_edges(
        [(number[origin], number[target]) for origin, target in pairs],
        vertex_spacing=NODE_SPACING,
        dummy_vertices=True,
        dummy_size=LANE,
    ).to_list()
    ((positions, _, height, lines),) = found
    left = min(x for _, (x, _) in positions)
    places = {int(name): (x - left, round((height - y) / NODE_SPACING)) for name, (x, y) in positions}
    following: dict[int, list[int]] = defaultdict(list)
    for origin, target in lines or ():
        following[int(origin)].append(int(target))
    bends = {}
    for index, node in enumerate(nodes):
        for after in following[index]:
            chain = _chain(after, following, len(nodes))
            bends[node, nodes[chain[-1]]] = [places[each] for each in chain[:-1]]
    return _Part({node: places[index] for index, node in enumerate(nodes)}, bends)


def _chain(first: int, following: Mapping[int, list[int]], count: int) -> list[int]:
    """From the first bend of a line to the node at its end."""
    chain = [first]
    while chain[-1] >= count:
        chain.append(following[chain[-1]][0])
    return chain
