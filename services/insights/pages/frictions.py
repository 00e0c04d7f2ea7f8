"""The friction board, a page a rule, and its sheet for a meeting."""

from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from msgspec import structs
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.charts.sparkline import sparkline
from services.insights.charts.time_axis import annotations_of, flags
from services.insights.context import Context
from services.insights.figures.figure import shown
from services.insights.figures.frictions_after import WHAT_FOLLOWS
from services.insights.figures.frictions_board import (
    FRICTION_BOARD,
    FRICTION_SERIES,
    ORDERS,
    bins_asked,
    series,
    trend_of,
)
from services.insights.figures.frictions_places import CONCENTRATION
from services.insights.figures.frictions_rule import FRICTION_OVER_TIME, FRICTION_TYPICAL, typical_sentence
from services.insights.figures.once import side_by_side
from services.insights.figures.overview_points import FRICTION_BY_RULE
from services.insights.language import N_
from services.insights.observability import rule_statuses
from services.insights.pages import frictions_view
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.rendering import Pages
from services.insights.points import points_page
from services.insights.problems import Problem
from shared.detection.register import DECLARATIONS, RegisterEntry, register

EXAMPLES: Final = 5
_FIGURES: Final = {
    "board": FRICTION_BOARD,
    "series": FRICTION_SERIES,
    "over_time": FRICTION_OVER_TIME,
    "concentration": CONCENTRATION,
    "follows": WHAT_FOLLOWS,
    "typical": FRICTION_TYPICAL,
}


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/frictions`, `/frictions/{rule}`, `/frictions/{rule}/sheet`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/frictions")
    def frictions(request: Request) -> HTMLResponse:
        """Rules and services side by side."""
        frame = read_frame(context, request, "/frictions", "order")
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "frictions.html", _board_values(context, frame))

    @router.get("/frictions/{rule}")
    def friction(request: Request, rule: str) -> HTMLResponse:
        """One rule: along time, where it concentrates, what follows, examples, its entry in the register."""
        frame = _frame_of_rule(context, request, rule, f"/frictions/{rule}")
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "frictions_rule.html", _rule_values(context, request, frame, rule))

    @router.get("/frictions/{rule}/sheet")
    def sheet(request: Request, rule: str) -> HTMLResponse:
        """The same on one page of paper, for a meeting."""
        frame = _frame_of_rule(context, request, rule, f"/frictions/{rule}/sheet")
        if frame is None:
            return pages.first_steps(request)
        values = _rule_values(context, request, frame, rule)
        values["line"] = sparkline(values["over_time"].counts())
        values["concentrated"] = any(row["reading"] == "higher" for each in values["places"] for row in each.rows)
        return pages.page(request, "frictions_sheet.html", values)

    return router


def _frame_of_rule(context: Context, request: Request, rule: str, path: str) -> Frame | None:
    """The frame of a page about one rule, whatever rule the filters name."""
    if rule not in DECLARATIONS:
        raise Problem(404, "no-rule", N_("There is no rule of this name; the register lists them."))
    frame = read_frame(context, request, path)
    if frame is None:
        return None
    return structs.replace(frame, asked=frame.asked.without_rule(), filters=structs.replace(frame.filters, rule=rule))


def _board_values(context: Context, frame: Frame) -> dict[str, Any]:
    order = frame.options.get("order", ORDERS[0])
    ask = frame.ask(context, order=order)
    board = partial(frictions_view.board, ask, order)
    parts = side_by_side({"board": board, "statuses": partial(rule_statuses, ask.store, frame.filters, ask.book)})
    statuses = parts["statuses"]
    return {
        "frame": frame,
        "order": order,
        "board": parts["board"],
        "figures": _FIGURES,
        "observed": [rule for rule, status in statuses.items() if status == "observed"],
        "not_observable": [rule for rule, status in statuses.items() if status == "not_observable"],
    }


def _rule_values(context: Context, request: Request, frame: Frame, rule: str) -> dict[str, Any]:
    language = context.language(request)
    store = frame.store
    ask = frame.ask(context, unit=frame.period.unit)
    filters, bins = bins_asked(ask)
    parts = side_by_side(
        {
            "follows": partial(shown, WHAT_FOLLOWS, ask),
            "by_rule": partial(shown, FRICTION_BY_RULE, ask),
            "typical": partial(shown, FRICTION_TYPICAL, ask),
            "places": partial(frictions_view.concentrations, lambda group: frame.ask(context, group_by=group)),
            "over_time": partial(frictions_view.over_time, ask, frame.period, language),
            "examples": partial(points_page, store, frame.filters, None, EXAMPLES),
            "series": partial(series, store, filters, bins),
            "statuses": partial(rule_statuses, store, frame.filters, ask.book),
        }
    )
    typical, by_rule, (examples, _) = parts["typical"], parts["by_rule"], parts["examples"]
    counts = parts["series"].values()
    return {
        "frame": frame,
        "rule": rule,
        "figures": _FIGURES,
        "status": parts["statuses"][rule],
        "in_short": frictions_view.RuleInShort(by_rule.records()[0], by_rule.rows[0].withheld),
        "trend": trend_of([sum(each) for each in zip(*counts, strict=True)], bins),
        "over_time": parts["over_time"],
        "flags": flags(annotations_of(context.records, frame.filters), frame.period.starts(), frame.period.to_us),
        "places": parts["places"],
        "follows": parts["follows"],
        "typical": typical,
        "typical_words": typical_sentence(typical, rule, language.code),
        "examples": [point.id for point in examples],
        "entry": _entry(context, rule, language.code),
    }


def _entry(context: Context, rule: str, code: str) -> RegisterEntry:
    return next(each for each in register(code, context.rules().document) if each.rule == rule)
