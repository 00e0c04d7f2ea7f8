"""The page of channel flows: which way journeys take through the channels, where each goes next, how many stay."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.charts.flows import Flow, Sankey, sankey
from services.insights.context import Context
from services.insights.figures.figure import shown
from services.insights.figures.flows import CHANNEL_CONTAINMENT, CHANNEL_FLOWS, CHANNEL_NEXT, ENDS
from services.insights.figures.flows_queries import CONTINUES, ENDED, POSITIONS, STARTED
from services.insights.figures.table import Table
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.rendering import Pages

ADDRESS: Final = "/flows"


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/flows`"""
    router = APIRouter(include_in_schema=False)

    @router.get(ADDRESS)
    def flows(request: Request) -> HTMLResponse:
        """The flows of the journeys under the filters, of all services if none is asked for."""
        frame = read_frame(context, request, ADDRESS)
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "flows.html", _values(context, frame))

    return router


def _values(context: Context, frame: Frame) -> dict[str, Any]:
    ask = frame.ask(context)
    flows, following, contained = (shown(each, ask) for each in (CHANNEL_FLOWS, CHANNEL_NEXT, CHANNEL_CONTAINMENT))
    records = flows.records()
    first = [row for row in records if row["position"] == 0]
    return {
        "frame": frame,
        "ends": ENDS,
        "positions": POSITIONS,
        "flows": (CHANNEL_FLOWS, flows),
        "following": (CHANNEL_NEXT, following),
        "contained": (CHANNEL_CONTAINMENT, contained),
        "chart": _chart(flows),
        "unshown": sum(1 for row in records if row["journeys"] is None),
        "without_visit": [row for row in first if row["to_channel"] == ENDED],
        "change": _main_change(following),
        "matrix": _matrix(following),
    }


def _chart(flows: Table) -> Sankey:
    """What is shown of the flows, from the first visit on."""
    drawn = [
        Flow(row["position"] - 1, row["from_channel"], row["to_channel"], row["journeys"])
        for row in flows.records()
        if row["position"] and row["journeys"]
    ]
    totals: dict[str, int] = {}
    for flow in drawn:
        totals[flow.origin] = totals.get(flow.origin, 0) + flow.journeys
    ends = {ENDED: 1, CONTINUES: 2}
    names = {flow.origin for flow in drawn} | {flow.target for flow in drawn}
    return sankey(drawn, sorted(names, key=lambda name: (ends.get(name, 0), -totals.get(name, 0), name)))


def _main_change(following: Table) -> dict[str, Any] | None:
    """The most frequent change from one channel to another that is shown."""
    changes = [
        row for row in following.records() if row["visits"] and row["next"] not in {row["channel"], ENDED, STARTED}
    ]
    return max(changes, key=lambda row: row["visits"], default=None)


def _matrix(following: Table) -> dict[str, Any]:
    """The table of channels by next channels: rows and columns in the order of the figure, `ENDED` last."""
    records = following.records()
    channels = list(dict.fromkeys(row["channel"] for row in records))
    targets = {row["next"] for row in records}
    return {
        "rows": channels,
        "columns": [*(each for each in channels if each in targets), *([ENDED] if ENDED in targets else [])],
        "cells": {(row["channel"], row["next"]): row for row in records},
    }
