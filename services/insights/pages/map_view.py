"""What the journey map shows, put into words and places from its figures."""

from collections.abc import Mapping
from itertools import pairwise
from textwrap import shorten, wrap
from typing import Any, Final

from msgspec import Struct

from services.insights.charts.map import Box, Line, Link, MapDrawing, draw
from services.insights.figures.journey_nodes import Node
from services.insights.figures.map import ENDS
from services.insights.figures.map_queries import END, START
from services.insights.figures.table import Table
from services.insights.language import N_, Language
from services.insights.pages.words import event_words
from shared.detection.sentences import channel_name

TITLE_CHARS: Final = 24
_UNITS: Final = (
    (90, 1, N_("%(number)s s")),
    (5_400, 60, N_("%(number)s min")),
    (172_800, 3_600, N_("%(number)s h")),
    (7_776_000, 86_400, N_("%(number)s days")),
    (63_072_000, 2_629_800, N_("%(number)s months")),
    (float("inf"), 31_557_600, N_("%(number)s years")),
)


class StepBox(Struct, frozen=True, kw_only=True):
    """A step of the drawing. Shares are of the highest on the map; `None` and '' where nothing is shown.

    rank: its place on the most frequent path, from 1.
    """

    box: Box
    node: Node
    is_end: bool
    title: list[str]
    name: str
    numbers: str
    friction: str
    volume: float | None
    points: float | None
    rank: int | None


class View(Struct, frozen=True, kw_only=True):
    """The drawing with its words; `numbers` of its nodes, which name the rows of the tables that its parts lead to."""

    drawing: MapDrawing
    steps: list[StepBox]
    numbers: dict[Node, int]
    path: list[str]
    path_journeys: int | None


def view(steps: Table, passages: Table, path: Table, language: Language) -> View:
    """The map of these figures, as they are shown."""
    rows: dict[Node, Mapping[str, Any]] = {(row["step"], row["channel"]): row for row in _records(steps)}
    records = _records(passages)
    edges = [((row["from_step"], row["from_channel"]), (row["to_step"], row["to_channel"])) for row in records]
    nodes = [START, *rows, END]
    number = {node: index for index, node in enumerate(nodes)}
    on_path = [(row["step"], row["channel"]) for row in _records(path)]
    way = [START, *on_path, END] if on_path else []
    way_edges = set(pairwise(way))
    main_end = next((edge for edge in edges if edge[1] == END), None) if not way else way[-2:]
    drawing = draw(
        len(nodes),
        [
            Link(
                ends=(number[origin], number[target]),
                passages=row["passages"],
                lines=_lines(row, language),
                friction=language.number(row["points"]) if row["points"] else "",
                on_path=(origin, target) in way_edges,
                stub=target == END and [origin, target] != list(main_end or ()),
            )
            for (origin, target), row in zip(edges, records, strict=True)
        ],
    )
    most = {name: max((row[name] or 0 for row in rows.values()), default=0) for name in ("journeys", "points")}
    return View(
        drawing=drawing,
        steps=[_step(drawing.boxes[number[node]], node, rows.get(node), on_path, most, language) for node in nodes],
        numbers=number,
        path=[node_name(node, language) for node in on_path],
        path_journeys=_records(path)[0]["journeys"] if on_path else None,
    )


def worst_step(steps: Table, language: Language) -> tuple[str, int] | None:
    """The step with most friction points, of those whose number is shown, drawn or not, and that number."""
    found = [row for row in _records(steps) if row["points"]]
    row = max(found, key=lambda row: row["points"], default=None)
    return None if row is None else (node_name((row["step"], row["channel"]), language), row["points"])


def _records(table: Table) -> list[dict[str, Any]]:
    """The rows by column name; of each column the kind of its values is known here."""
    return table.records()


def _lines(row: Mapping[str, Any], language: Language) -> tuple[str, ...]:
    if row["passages"] is None:
        return ()
    count = language.number(row["passages"])
    return (count,) if row["between_median_s"] is None else (count, short_duration(row["between_median_s"], language))


def _step(
    box: Box,
    node: Node,
    row: Mapping[str, Any] | None,
    on_path: list[Node],
    most: Mapping[str, float],
    language: Language,
) -> StepBox:
    if row is None:
        name = node_name(node, language)
        return StepBox(
            box=box, node=node, is_end=True, title=[name], name=name, numbers="", friction="", volume=None, points=None,
            rank=None,
        )  # fmt: skip
    return StepBox(
        box=box,
        node=node,
        is_end=False,
        title=_wrapped(event_words(node[0], language)),
        name=node_name(node, language),
        numbers="" if row["events"] is None else language.number(row["events"]),
        friction=language.number(row["points"]) if row["points"] else "",
        volume=_share(row["journeys"], most["journeys"]),
        points=_share(row["points"], most["points"]),
        rank=on_path.index(node) + 1 if node in on_path else None,
    )


def _share(value: float | None, most: float) -> float | None:
    return round(value / most, 3) if value and most else None


def _wrapped(title: str) -> list[str]:
    """At most two lines; what does not fit ends in an ellipsis (the full name stands in the tables)."""
    lines = wrap(title, TITLE_CHARS, break_long_words=True) or [""]
    return lines if len(lines) <= 2 else [lines[0], shorten(" ".join(lines[1:]), TITLE_CHARS, placeholder="…")]


def node_name(node: Node, language: Language) -> str:
    """A step and its channel in words."""
    step, channel = node
    if node in {START, END}:
        return language.text(ENDS[step])
    name = event_words(step, language)
    return f"{name} ({channel_name(channel, language.code)})" if channel else name


def short_duration(seconds: float, language: Language) -> str:
    """A stretch of time in its largest unit: `41 s`, `3 days`."""
    unit, message = next((unit, message) for limit, unit, message in _UNITS if seconds < limit)
    return language.text(message, {"number": language.number(round(seconds / unit, 0 if seconds >= 10 * unit else 1))})


def line_class(line: Line) -> str:
    """How a line is drawn: by what it shows, not by its colour alone."""
    kinds = {
        "unshown": line.link.passages is None,
        "upward": line.upward,
        "on-path": line.link.on_path,
    }
    return " ".join(name for name, holds in kinds.items() if holds)
