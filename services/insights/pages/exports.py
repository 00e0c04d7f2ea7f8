"""Exports of journeys for process-mining tools: which formats, what they hold, and the purpose that is asked for."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.api.exports import FORMATS
from services.insights.context import Context
from services.insights.exports.journeys import MAX_EVENTS
from services.insights.openings import PURPOSE_TITLES
from services.insights.pages.frame import read_frame
from services.insights.pages.rendering import Pages

PATH: Final = "/exports"


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/exports`"""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def exports(request: Request) -> HTMLResponse:
        """The form that states a purpose and gets the file."""
        frame = read_frame(context, request, PATH)
        if frame is None:
            return pages.first_steps(request)
        values = {"frame": frame, "kinds": FORMATS, "max_events": MAX_EVENTS, "purposes": PURPOSE_TITLES}
        return pages.page(request, "exports.html", values)

    return router
