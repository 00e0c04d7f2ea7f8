"""The drawing of the map: deterministic, in layers, nothing on top of anything else, quick."""

import random
import time
from itertools import pairwise

from services.insights.charts.map import BOX_HEIGHT, BOX_WIDTH, Link, MapDrawing, draw, line_width
from services.insights.charts.map_layout import NODE_SPACING, layout


def graph(seed: int, nodes: int = 40, edges: int = 100) -> dict[tuple[int, int], float]:
    """A graph with circles and loops."""
    chance = random.Random(seed)
    weights: dict[tuple[int, int], float] = {}
    while len(weights) < edges:
        weights[chance.randrange(nodes), chance.randrange(nodes)] = chance.randint(1, 999)
    return weights


def drawing(seed: int) -> MapDrawing:
    """The drawing of such a graph, its edges in any order."""
    edges = list(graph(seed).items())
    random.Random(seed + 1).shuffle(edges)
    return draw(
        40, [Link(ends=ends, passages=int(weight), lines=("1,234", "3 days"), friction="12") for ends, weight in edges]
    )


def test_lines_lead_down_but_those_that_close_circles():
    """Every pair is joined from a layer to a deeper one; the heaviest edges all point down; nodes keep their distance."""
    for seed in range(5):
        weights = graph(seed)
        found = layout(range(40), weights)
        for origin, target in weights:
            if origin != target and (origin, target) not in found.upward:
                assert found.layers[origin] < found.layers[target]
                passed = [layer for _, layer in found.bends[origin, target]]
                assert passed == list(range(found.layers[origin] + 1, found.layers[target]))
        heaviest = max((ends for ends in weights if ends[0] != ends[1]), key=lambda ends: weights[ends])
        assert heaviest not in found.upward
        for layer in range(found.depth):
            places = sorted(found.middles[node] for node in found.middles if found.layers[node] == layer)
            assert all(after - before >= NODE_SPACING - 0.01 for before, after in pairwise(places))


def test_nodes_without_edges_and_no_nodes():
    """Parts that are not joined stand side by side; an empty map is empty."""
    found = layout(range(4), {(0, 1): 1.0})
    assert len({(found.middles[node], found.layers[node]) for node in range(4)}) == 4
    assert draw(0, []).boxes == []


def test_the_same_graph_gets_the_same_drawing():
    """Whatever the order of its edges."""
    weights = graph(3)
    assert layout(range(40), weights) == layout(range(40), dict(reversed(weights.items())))
    first, second = (draw(3, links) for links in (
        [Link(ends=(0, 1), passages=5), Link(ends=(1, 2), passages=3), Link(ends=(2, 0), passages=1)],
        [Link(ends=(2, 0), passages=1), Link(ends=(0, 1), passages=5), Link(ends=(1, 2), passages=3)],
    ))  # fmt: skip
    assert first == second


def test_labels_and_boxes_stand_clear_of_each_other():
    """No label lies on a box or another label; all lie within the drawing; what finds no room is counted."""
    for seed in range(3):
        found = drawing(seed)
        rects = [(box.x, box.y, box.x + BOX_WIDTH, box.y + BOX_HEIGHT) for box in found.boxes]
        labels = [line.label for line in found.lines if line.label]
        rects += [(label.x, label.y, label.x + label.width, label.y + label.height) for label in labels]
        for place, one in enumerate(rects):
            assert one[0] >= 0
            assert one[3] <= found.height
            for other in rects[:place]:
                apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
                assert apart, (one, other)
        assert found.without_label + len(labels) == 100
        assert len(labels) > 80


def test_forty_nodes_and_a_hundred_edges_are_laid_out_quickly():
    """In well under 300 ms; the best of three, since other tests run beside this one."""
    taken_s = []
    for seed in range(3):
        begun = time.perf_counter()
        drawing(seed)
        taken_s.append(time.perf_counter() - begun)
    assert min(taken_s) < 0.3


def test_a_number_that_is_not_shown_has_the_thinnest_line():
    """A width tells no more than the number beside it."""
    assert line_width(None, 100) == line_width(0, 100) < line_width(1, 100) < line_width(100, 100)
