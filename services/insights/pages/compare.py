"""The page that compares two groups of journeys."""

from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures.compare import COMPARISON
from services.insights.figures.compare_cohorts import COHORT_NAMES, channels_of_entry, read_cohorts
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import shown
from services.insights.figures.once import side_by_side
from services.insights.language import Language
from services.insights.pages import compare_view
from services.insights.pages.compare_words import cohort_words, signed
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.rendering import Pages
from shared.detection.settings import RULES

PATH: Final = "/compare"


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/compare`"""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def compare(request: Request) -> HTMLResponse:
        """Two groups side by side: those of the address, else the two busiest channels of entry."""
        frame = read_frame(context, request, PATH, *COHORT_NAMES)
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "compare.html", _values(context, frame, context.language(request)))

    return router


def _values(context: Context, frame: Frame, language: Language) -> dict[str, object]:
    ask = frame.ask(context)
    cohorts = read_cohorts(ask)
    entries = partial(channels_of_entry, ask.store, cohorts.a.filters.on(None, None))
    parts = side_by_side({"found": partial(shown, COMPARISON, ask), "entries": entries})
    found = parts["found"]
    return {
        "frame": frame,
        "cohorts": cohorts,
        "names": {side: cohort_words(getattr(cohorts, side), frame.filters, language) for side in ("a", "b")},
        "service": cohorts.a.filters.service,
        "entries": parts["entries"],
        "found": found,
        "comparison": COMPARISON,
        "rows": compare_view.rows(found),
        "readings": READINGS,
        "signed": lambda value: signed(value, language),
        "rules": RULES,
    }
