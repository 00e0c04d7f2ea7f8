"""The accessibility statement: what was tested, and what was not."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.pages.rendering import Pages


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/accessibilite`"""
    del context
    router = APIRouter(include_in_schema=False)

    @router.get("/accessibilite")
    def statement(request: Request) -> HTMLResponse:
        """The statement in the reader's language."""
        return pages.page(request, "accessibility.html", {})

    return router
