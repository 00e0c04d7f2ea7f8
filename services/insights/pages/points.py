"""Friction points for people: lists of them, and a page a point with its evidence."""

from typing import Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures.summaries import choices, history, points_in_all
from services.insights.filters import PAGE_FILTER_NAMES, only_known, read_filters
from services.insights.journeys import Timeline, TimelineEvent, timeline
from services.insights.language import N_, Language
from services.insights.pages.rendering import Pages
from services.insights.points import PointInForce, decode_cursor, point_by_id, points_page
from services.insights.problems import Problem
from shared.detection.register import DECLARATIONS, RegisterEntry, register
from shared.journey.instants import SECOND_US
from shared.journey.vocabulary import CITIZEN_TYPES

PAGE_POINTS: Final = 50
CLOSE: Final = 6.0
"""Marks nearer than this, in per cent of a lane, would lie upon each other."""


class Mark(Struct, frozen=True):
    """One event on its channel's lane, or several close together: their numbers in the list, their place in per cent."""

    numbers: tuple[int, ...]
    x: float
    evidence: bool
    """Whether any of them is evidence."""

    @property
    def label(self) -> str:
        """`3`; `2–5` for all of 2 to 5; `2, 5`; `2 … 9` for several from 2 to 9."""
        first, last, count = self.numbers[0], self.numbers[-1], len(self.numbers)
        if count == 1:
            return str(first)
        if last - first == count - 1:
            return f"{first}–{last}"
        return f"{first}, {last}" if count == 2 else f"{first} … {last}"


class Lane(Struct, frozen=True):
    """One channel of the timeline; '' for events without a channel, which `case_work` says are work on a case."""

    channel: str
    case_work: bool
    marks: list[Mark]


class Step(Struct, frozen=True):
    """One entry of the timeline; `after` says how long after the entry before, in words."""

    number: int
    event: TimelineEvent
    evidence: bool
    anchor: bool
    after: str | None


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/points`, `/points/{id}`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/points")
    def points(request: Request) -> HTMLResponse:
        """Points in force under the filters, newest first, a page at a time."""
        only_known(request.query_params, (*PAGE_FILTER_NAMES, "cursor", "lang"))
        filters = read_filters(request.query_params)
        before = decode_cursor(request.query_params.get("cursor"))
        found, next_cursor = points_page(context.store, filters, before, PAGE_POINTS)
        offered = choices(context.store)
        values = {
            "points": found,
            "filters": filters,
            "next_cursor": next_cursor,
            "continued": before is not None,
            "total": points_in_all(context.store, filters),
            "choices": offered if any((offered.services, offered.channels, offered.territories)) else None,
            "history": None if found else history(context.store, filters),
        }
        return pages.page(request, "points.html", values)

    @router.get("/points/{point:path}")
    def point(request: Request, point: str) -> HTMLResponse:
        """One point: why, its evidence over the channels, the settings used, the rule."""
        found = point_by_id(context.store, point)
        if found is None:
            raise Problem(
                404, "no-point", N_("There is no friction point at this address. It may have been taken back since.")
            )
        language = context.language(request)
        return pages.page(request, "point.html", _view(context, found, language))

    return router


def _view(context: Context, point: PointInForce, language: Language) -> dict[str, object]:
    found = timeline(context.store, point)
    return {
        "point": point,
        "sentence": point.sentence(language.code),
        "steps": _steps(found, point, language),
        "lanes": _lanes(found),
        "complete": found.complete,
        "entry": _entry(context, point.rule, language),
        "used": [
            (name, point.parameters[name], meaning.in_language(language.code))
            for name, meaning in DECLARATIONS[point.rule].parameters.items()
            if name in point.parameters
        ],
    }


def _entry(context: Context, rule: str, language: Language) -> RegisterEntry:
    return next(each for each in register(language.code, context.rules().document) if each.rule == rule)


def _steps(found: Timeline, point: PointInForce, language: Language) -> list[Step]:
    steps = []
    before_us: int | None = None
    for number, (event, evidence) in enumerate(found.events, start=1):
        anchor = (event.source, event.id) == (point.source, point.anchor)
        after = None if before_us is None else language.duration((event.time_us - before_us) / SECOND_US)
        steps.append(Step(number, event, evidence, anchor, after))
        before_us = event.time_us
    return steps


def _lanes(found: Timeline) -> list[Lane]:
    """The events by channel, in order of first use; those without a channel last. Room is left at both ends."""
    if not found.events:
        return []
    start_us, end_us = found.events[0][0].time_us, found.events[-1][0].time_us
    span_us = max(end_us - start_us, 1)
    lanes: dict[str, list[Mark]] = {}
    for number, (event, evidence) in enumerate(found.events, start=1):
        share = (event.time_us - start_us) / span_us if end_us > start_us else 0.5
        mark = Mark((number,), round(4 + 92 * share, 2), evidence)
        _place(mark, lanes.setdefault(event.channel, []))
    of_citizens = any(event.channel == "" and event.type in CITIZEN_TYPES for event, _ in found.events)
    return [
        Lane(channel, channel == "" and not of_citizens, marks)
        for channel, marks in sorted(lanes.items(), key=lambda each: each[0] == "")
    ]


def _place(mark: Mark, marks: list[Mark]) -> None:
    """Add a mark to its lane; one that would cover the mark before becomes one with it."""
    if marks and mark.x - marks[-1].x < CLOSE:
        before = marks[-1]
        marks[-1] = Mark(before.numbers + mark.numbers, before.x, before.evidence or mark.evidence)
    else:
        marks.append(mark)
