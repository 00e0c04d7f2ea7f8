"""A Sankey drawing: columns of channels, one a position, joined by bands as wide as the journeys that pass.

Positions only grow, so that no band runs in a circle. All lengths are pixels of the drawing.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct

COLUMN: Final = 190
"""From the left edge of a column to that of the next."""
NODE_WIDTH: Final = 14
HEIGHT: Final = 420
TOP: Final = 34
"""Above the columns: their headings."""
_SPACE: Final = 18
"""Between two nodes of a column: room for a label of a thin one."""
_MIN_HEIGHT: Final = 1.0


class Flow(NamedTuple):
    """Journeys that pass from a node of one column, numbered from 0, to a node of the next."""

    column: int
    origin: str
    target: str
    journeys: int


class Node(Struct, frozen=True):
    """A channel at a position: its place, and how many journeys the bands that are drawn bring or take."""

    column: int
    name: str
    x: float
    y: float
    height: float
    journeys: int


class Band(Struct, frozen=True):
    """A flow, and the outline of its band."""

    flow: Flow
    path: str


class Sankey(Struct, frozen=True):
    """The drawing; its columns begin at `columns`."""

    nodes: list[Node]
    bands: list[Band]
    columns: list[float]
    width: float
    height: float


def sankey(flows: Sequence[Flow], order: Sequence[str]) -> Sankey:
    """The drawing of these flows; within a column the nodes stand in this order of their names."""
    sizes = _sizes(flows)
    rank = {name: place for place, name in enumerate(order)}
    columns: dict[int, list[str]] = defaultdict(list)
    for column, name in sorted(sizes, key=lambda each: (each[0], rank[each[1]])):
        columns[column].append(name)
    scale = min(
        (
            (HEIGHT - _SPACE * len(names)) / sum(sizes[column, name] for name in names)
            for column, names in columns.items()
        ),
        default=0.0,
    )
    nodes: dict[tuple[int, str], Node] = {}
    for column, names in columns.items():
        y = float(TOP)
        for name in names:
            height = max(sizes[column, name] * scale, _MIN_HEIGHT)
            nodes[column, name] = Node(
                column, name, column * COLUMN, round(y, 2), round(height, 2), sizes[column, name]
            )  # fmt: skip
            y += height + _SPACE
    return Sankey(
        nodes=list(nodes.values()),
        bands=_bands(flows, nodes, scale, rank),
        columns=[column * COLUMN for column in sorted(columns)],
        width=COLUMN * (max(columns, default=0) + 1),
        height=max((node.y + node.height for node in nodes.values()), default=TOP) + _SPACE,
    )


def _sizes(flows: Sequence[Flow]) -> dict[tuple[int, str], int]:
    """Per node what comes in or goes out, whichever is more: some bands may not be shown."""
    coming: dict[tuple[int, str], int] = defaultdict(int)
    going: dict[tuple[int, str], int] = defaultdict(int)
    for flow in flows:
        going[flow.column, flow.origin] += flow.journeys
        coming[flow.column + 1, flow.target] += flow.journeys
    return {node: max(coming.get(node, 0), going.get(node, 0)) for node in {*coming, *going}}


def _bands(flows: Sequence[Flow], nodes: dict[tuple[int, str], Node], scale: float, rank: dict[str, int]) -> list[Band]:
    """The bands, side by side along each node in the order of where they lead or come from."""
    left: dict[Flow, float] = {}
    right: dict[Flow, float] = {}
    taken: dict[tuple[int, str, str], float] = defaultdict(float)
    for flow in sorted(flows, key=lambda each: (each.column, rank[each.origin], rank[each.target])):
        left[flow] = taken[flow.column, flow.origin, "out"]
        taken[flow.column, flow.origin, "out"] += flow.journeys * scale
    for flow in sorted(flows, key=lambda each: (each.column, rank[each.target], rank[each.origin])):
        right[flow] = taken[flow.column, flow.target, "in"]
        taken[flow.column, flow.target, "in"] += flow.journeys * scale
    bands = []
    for flow in sorted(flows, key=lambda each: (-each.journeys, each)):
        origin, target = nodes[flow.column, flow.origin], nodes[flow.column + 1, flow.target]
        width = max(flow.journeys * scale, _MIN_HEIGHT)
        y, y_to = origin.y + left[flow], target.y + right[flow]
        x, x_to = origin.x + NODE_WIDTH, target.x
        half = (x + x_to) / 2
        path = (
            f"M{x:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {y_to:.1f} {x_to:.1f} {y_to:.1f}v{width:.2f}"
            f"C{half:.1f} {y_to + width:.1f} {half:.1f} {y + width:.1f} {x:.1f} {y + width:.1f}Z"
        )
        bands.append(Band(flow, path))
    return bands
