"""The drawing of a journey map: boxes for steps, curved lines for passages, labels that stand clear of each other.

All lengths are pixels of the drawing, whole ones where they place something; what is written is put together by the page.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil, sqrt
from typing import Final, NamedTuple

from msgspec import Struct

from services.insights.charts.map_layout import Layout, Pair, layout

BOX_WIDTH: Final = 204
BOX_HEIGHT: Final = 88
GAP: Final = 92
"""Between layers: room for curves and their labels."""
MARGIN: Final = 28
ARROW: Final = 9
MAX_LINE: Final = 11.0
MIN_LINE: Final = 1.5
_PORT_ROOM: Final = 28
_TURNED: Final = 9
"""Between the two lines of a pair of steps that leads both ways."""
_LABEL_HEIGHT: Final = 17
_CHAR: Final = 8
_PLACES: Final = (0.5, 0.36, 0.64, 0.24, 0.76)
_LOOP: Final = 34
_STUB: Final = 20
_BESIDE: Final = 64
"""Room for the labels of loops at the right edge."""


class Link(Struct, frozen=True, kw_only=True):
    """A passage to draw: between nodes by number; `passages` is `None` where it is not shown.

    lines: what its label says, from the top. friction: what its badge says, '' for none. stub: it leads to the end of
    journeys and is drawn as a short line to a mark of its own.
    """

    ends: Pair
    passages: int | None
    lines: tuple[str, ...] = ()
    friction: str = ""
    on_path: bool = False
    stub: bool = False


class Box(Struct, frozen=True):
    """A node: its left edge and top."""

    number: int
    x: int
    y: int


class Label(Struct, frozen=True):
    """The words beside a line: middle and top, width and height of their ground; the badge begins at `badge_x`."""

    x: int
    y: int
    width: int
    height: int
    badge_x: int


class Line(Struct, frozen=True, kw_only=True):
    """A passage as it is drawn. `path` ends at the foot of the arrow head, whose outline is `head`.

    label: `None` where there was no room.
    """

    link: Link
    path: str
    head: str
    width: float
    upward: bool
    label: Label | None


class MapDrawing(Struct, frozen=True):
    """The whole: thin lines before thick ones, so that these lie on top."""

    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    without_label: int


_Rect = tuple[int, int, int, int]
"""Left, top, right, bottom."""


class _Curve(NamedTuple):
    """A line as pieces between points: (x, y) at which it runs vertically; loops have their own outline."""

    points: list[tuple[float, float]]
    outline: str = ""
    head: str = ""


def draw(count: int, links: Sequence[Link]) -> MapDrawing:
    """The drawing of `count` nodes, numbered from 0, and the passages between them."""
    weights = {link.ends: float(link.passages or 0) for link in links if not link.stub}
    plan = layout(range(count), weights)
    boxes = {number: _box(plan, number) for number in range(count)}
    curves = _curves(plan, boxes, links)
    most = max((link.passages or 0 for link in links), default=0)
    labels = _labels(boxes, curves, links)
    lines = [
        Line(
            link=link,
            path=curves[link.ends].outline or _outline(curves[link.ends].points),
            head=curves[link.ends].head or _head(curves[link.ends].points),
            width=line_width(link.passages, most),
            upward=link.ends in plan.upward,
            label=labels.get(link.ends),
        )
        for link in sorted(links, key=lambda each: (each.on_path, each.passages or 0, each.ends))
    ]
    return MapDrawing(
        boxes=[boxes[number] for number in range(count)],
        lines=lines,
        width=ceil(plan.width) + BOX_WIDTH + 2 * MARGIN + _BESIDE,
        height=_top(plan.depth) - GAP + MARGIN,
        without_label=sum(1 for link in links if link.lines and link.ends not in labels),
    )


def line_width(passages: int | None, most: int) -> float:
    """Its square grows with the number; a number that is not shown is the thinnest line."""
    if not passages or not most:
        return MIN_LINE
    return round(MIN_LINE + (MAX_LINE - MIN_LINE) * sqrt(passages / most), 1)


def _top(layer: int) -> int:
    return MARGIN + layer * (BOX_HEIGHT + GAP)


def _box(plan: Layout, number: int) -> Box:
    return Box(number, round(plan.middles[number]) + MARGIN, _top(plan.layers[number]))


def _curves(plan: Layout, boxes: Mapping[int, Box], links: Sequence[Link]) -> dict[Pair, _Curve]:
    """The line of each passage, from its port at one box to its port at the other."""
    routes = {
        link.ends: _bends(plan, link.ends) for link in links if link.ends in plan.bends or link.ends in plan.upward
    }
    ports = _ports(plan, boxes, routes)
    curves = {}
    for ends, bends in routes.items():
        down = ends not in plan.upward
        points = [ports[ends, ends[0]]]
        for x, layer in bends:
            edges = [(x, _top(layer)), (x, _top(layer) + BOX_HEIGHT)]
            points += edges if down else edges[::-1]
        curves[ends] = _Curve([*points, ports[ends, ends[1]]])
    for link in links:
        box = boxes[link.ends[0]]
        if link.stub:
            curves[link.ends] = _stub(box)
        elif link.ends[0] == link.ends[1]:
            curves[link.ends] = _loop(box)
    return curves


def _bends(plan: Layout, ends: Pair) -> list[tuple[float, int]]:
    """The places where a line passes layers, in its own direction; of two lines between two nodes each keeps to its side."""
    upward = ends in plan.upward
    turned = ends[::-1]
    places = plan.bends[turned if upward else ends]
    shift = 0 if turned not in plan.bends and not upward else _TURNED if upward else 0
    shifted = [(x + MARGIN + BOX_WIDTH / 2 + shift, layer) for x, layer in places]
    return shifted[::-1] if upward else shifted


def _ports(
    plan: Layout, boxes: Mapping[int, Box], routes: Mapping[Pair, Sequence[tuple[float, int]]]
) -> dict[tuple[Pair, int], tuple[float, float]]:
    """Where lines touch boxes: side by side along the lower or upper edge, in the order of where they lead."""
    sides: dict[tuple[int, bool], list[tuple[float, Pair]]] = defaultdict(list)
    for ends, bends in routes.items():
        down = ends not in plan.upward
        origin, target = ends
        first = bends[0][0] if bends else _middle(boxes[target])
        last = bends[-1][0] if bends else _middle(boxes[origin])
        sides[origin, down].append((first, ends))
        sides[target, not down].append((last, ends))
    ports: dict[tuple[Pair, int], tuple[float, float]] = {}
    for (number, lower), leading in sides.items():
        box = boxes[number]
        room = min(_PORT_ROOM, (BOX_WIDTH - 36) / max(len(leading) - 1, 1))
        for place, (_, ends) in enumerate(sorted(leading)):
            x = _middle(box) + (place - (len(leading) - 1) / 2) * room
            ports[ends, number] = (round(x), box.y + (BOX_HEIGHT if lower else 0))
    return ports


def _middle(box: Box) -> float:
    return box.x + BOX_WIDTH / 2


def _stub(box: Box) -> _Curve:
    """From the lower edge of a box, near its corner, to a small square."""
    x, y = box.x + BOX_WIDTH - 14, box.y + BOX_HEIGHT
    return _Curve([(x, y + 20)], f"M{x} {y}v{_STUB}", f"M{x - 5} {y + _STUB}h10v10h-10z")


def _loop(box: Box) -> _Curve:
    """From the upper edge of a box round its corner to its right edge."""
    right, top = box.x + BOX_WIDTH, box.y
    outline = (
        f"M{right - 26} {top}C{right - 26} {top - _LOOP} {right + _LOOP} {top - _LOOP // 2} {right + 22} {top + 16}"
        f"Q{right + 18} {top + 24} {right + ARROW} {top + 24}"
    )
    head = f"M{right} {top + 24}l{ARROW}-5v10z"
    return _Curve([(right + 12, top - 26)], outline, head)


def _outline(points: Sequence[tuple[float, float]]) -> str:
    """Curves through the points, vertical at each; the last stops short of the arrow head. One stroke down several layers."""
    (x, y), *_ = points
    parts = [f"M{x:.0f} {y:.0f}"]
    for place, (x_to, y_to) in enumerate(points[1:], 1):
        end = y_to
        if place == len(points) - 1:
            end = y_to - ARROW if y_to > y else y_to + ARROW
        half = (y + end) / 2
        if x_to != x:
            parts.append(f"C{x:.0f} {half:.0f} {x_to:.0f} {half:.0f} {x_to:.0f} {end:.0f}")
        elif parts[-1].startswith("V"):
            parts[-1] = f"V{end:.0f}"
        else:
            parts.append(f"V{end:.0f}")
        x, y = x_to, y_to
    return "".join(parts)


def _head(points: Sequence[tuple[float, float]]) -> str:
    (_, before), (x, y) = points[-2:]
    return f"M{x:.0f} {y:.0f}l-6{f'-{ARROW}' if y > before else f' {ARROW}'}h12z"


def _labels(boxes: Mapping[int, Box], curves: Mapping[Pair, _Curve], links: Sequence[Link]) -> dict[Pair, Label]:
    """Labels of the most frequent passages first, each at the first place of its line that is free."""
    taken = [(each.x - 3, each.y - 3, each.x + BOX_WIDTH + 3, each.y + BOX_HEIGHT + 3) for each in boxes.values()]
    labels = {}
    for link in sorted(links, key=lambda each: (not each.on_path, -(each.passages or 0), each.ends)):
        if not (link.lines or link.friction):
            continue
        width, height, badge_x = _size(link)
        for x, y in _candidates(curves[link.ends]):
            left, top = round(x - width / 2), round(y - height / 2)
            rect = (left, top, left + width, top + height)
            if left >= 0 and _is_free(rect, taken):
                taken.append(rect)
                labels[link.ends] = Label(left, top, width, height, left + badge_x)
                break
    return labels


def _is_free(rect: _Rect, taken: Iterable[_Rect]) -> bool:
    left, top, right, bottom = rect
    for other_left, other_top, other_right, other_bottom in taken:
        if left < other_right and other_left < right and top < other_bottom and other_top < bottom:
            return False
    return True


def _size(link: Link) -> tuple[int, int, int]:
    """Width and height of a label, and where its badge begins."""
    first, *others = link.lines or ("",)
    badge_x = 5 + len(first) * _CHAR + (4 if first else 0)
    badge = len(link.friction) * _CHAR + 8 if link.friction else 0
    width = max([badge_x + badge, *(5 + len(each) * _CHAR for each in others)]) + 3
    return width, _LABEL_HEIGHT * max(len(link.lines), 1) + 2, badge_x


def _candidates(curve: _Curve) -> Iterator[tuple[float, float]]:
    """Points of a line between layers, from the middle of each stretch outwards."""
    if curve.outline:
        x, y = curve.points[0]
        for right, down in ((24, 0), (30, 0), (24, -12), (-26, 0), (-30, -12), (26, 14)):
            yield x + right, y + down
        return
    stretches = [(start, end) for start, end in pairwise(curve.points) if 0 < abs(start[1] - end[1]) <= GAP]
    for share in _PLACES:
        for start, end in stretches:
            yield _on_curve(start, end, share)


def _on_curve(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    """The point of a stretch at a share of its way: a cubic curve, vertical at both ends."""
    rest = 1 - share
    bend = 3 * rest * rest * share + rest**3
    half = (start[1] + end[1]) / 2
    x = bend * start[0] + (1 - bend) * end[0]
    y = rest**3 * start[1] + 3 * rest * share * half + share**3 * end[1]
    return x, y
