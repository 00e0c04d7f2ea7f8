"""Friction points for people: lists of them, and a page a point with its evidence."""

from typing import Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures import extent
from services.insights.filters import FILTER_NAMES, only_known, read_filters
from services.insights.journeys import Timeline, TimelineEvent, timeline
from services.insights.language import N_, Language
from services.insights.pages.rendering import Pages
from services.insights.points import PointInForce, decode_cursor, point_by_id, points_page
from services.insights.problems import Problem
from shared.detection.register import DECLARATIONS, RegisterEntry, register
from shared.journey.instants import SECOND_US

PAGE_POINTS: Final = 50


class Mark(Struct, frozen=True):
    """An event on its channel's lane: its number in the list, and its place in per cent of the time shown."""

    number: int
    x: float
    evidence: bool


class Lane(Struct, frozen=True):
    """One channel of the timeline; '' for events without a channel."""

    channel: str
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
        only_known(request.query_params, (*FILTER_NAMES, "cursor", "lang"))
        filters = read_filters(request.query_params)
        before = decode_cursor(request.query_params.get("cursor"))
        found, next_cursor = points_page(context.store, filters, before, PAGE_POINTS)
        values = {
            "points": found,
            "filters": filters,
            "next_cursor": next_cursor,
            "continued": before is not None,
            "extent": extent(context.store),
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
        lanes.setdefault(event.channel, []).append(Mark(number, round(4 + 92 * share, 2), evidence))
    return [Lane(channel, marks) for channel, marks in sorted(lanes.items(), key=lambda each: each[0] == "")]
