"""The public register of algorithms: the list of rules, and a page a rule."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.language import N_
from services.insights.pages.rendering import Pages
from services.insights.problems import Problem
from shared.detection.register import RegisterEntry, register


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/rules`, `/rules/{rule}`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/rules")
    def rules(request: Request) -> HTMLResponse:
        """All rules with their purpose, and whether they are on."""
        return pages.page(request, "rules.html", {"entries": _entries(context, request)})

    @router.get("/rules/{rule}")
    def rule(request: Request, rule: str) -> HTMLResponse:
        """One rule: purpose, data, settings in force, limits, owner."""
        entry = next((each for each in _entries(context, request) if each.rule == rule), None)
        if entry is None:
            raise Problem(404, "no-rule", N_("There is no rule of this name; the register lists them."))
        return pages.page(request, "rule.html", {"entry": entry})

    return router


def _entries(context: Context, request: Request) -> list[RegisterEntry]:
    return register(context.language(request).code, context.rules().document)
