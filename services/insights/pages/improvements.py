"""Improvements: what was repaired, whether it helped, what that is worth and what it cost."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.api.figures import make_ask
from services.insights.context import Context
from services.insights.figures.figure import Ask
from services.insights.figures.improvements import STATUS_WORDS, find
from services.insights.figures.summaries import choices
from services.insights.filters import Filters, only_known
from services.insights.forms import read_form
from services.insights.pages.frame import read_frame
from services.insights.pages.improvements_form import OTHER, Filled, fields_of, read_improvement
from services.insights.pages.improvements_view import list_values, page_values
from services.insights.pages.openings import link_of
from services.insights.pages.rendering import Pages
from services.insights.problems import record_conflict
from shared.detection.settings import RULES
from shared.errors import RecordConflict, RecordRefused
from shared.registry.improvements import IMPROVEMENT_STATUSES

Form = Annotated[Mapping[str, str], Depends(read_form)]


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/improvements`, `/improvements/new`, `/improvements/{id}` with `/change`, `/removal`, `/sheet`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/improvements")
    def improvements(request: Request) -> Response:
        """All improvements that the filters leave, each with its verdict."""
        frame = read_frame(context, request, "/improvements")
        if frame is None:
            return pages.first_steps(request)
        values = list_values(frame.ask(context), context.language(request))
        return pages.page(request, "improvements.html", {"frame": frame, **values})

    _add_new(router, context, pages)

    @router.get("/improvements/{improvement}")
    def improvement(request: Request, improvement: str) -> Response:
        """One improvement: its effect, its evidence, its history."""
        only_known(request.query_params, ("lang",))
        return pages.page(request, "improvement.html", _values(context, request, improvement))

    @router.get("/improvements/{improvement}/sheet")
    def sheet(request: Request, improvement: str) -> Response:
        """The same on one page of paper."""
        only_known(request.query_params, ("lang",))
        return pages.page(request, "improvement_sheet.html", _values(context, request, improvement))

    _add_changes(router, context, pages)
    return router


def _add_new(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/improvements/new")
    def new(request: Request) -> Response:
        """The empty form; what it aims at may stand in the address."""
        only_known(request.query_params, ("lang", "rule", "service", "territory"))
        given = request.query_params
        fields = {"rule": given.get("rule", ""), "services": given.get("service", ""),
                  "territories": given.get("territory", ""), "status": "planned"}  # fmt: skip
        return _form(context, pages, request, Filled(fields=fields), None)

    @router.post("/improvements")
    def add(request: Request, form: Form) -> Response:
        """Keep an improvement."""
        only_known(request.query_params, ("lang",))
        values, problems = read_improvement(form)
        if values is not None:
            try:
                kept = context.records.improvements.add(values)
                return RedirectResponse(link_of(request)(f"/improvements/{kept.id}"), 303)
            except RecordRefused as error:
                problems = {_field(error, form): OTHER}
        return _form(context, pages, request, Filled(fields=form, problems=problems), None, 422)


def _add_changes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/improvements/{improvement}/change")
    def form(request: Request, improvement: str) -> Response:
        """The form with what is kept."""
        only_known(request.query_params, ("lang",))
        found = find(_ask(context), improvement)
        return _form(context, pages, request, Filled(fields=fields_of(found)), found.id)

    @router.post("/improvements/{improvement}/change")
    def change(request: Request, improvement: str, form: Form) -> Response:
        """Keep the change; the version before stays in the history."""
        only_known(request.query_params, ("lang",))
        kept = find(_ask(context), improvement)
        values, problems = read_improvement(form)
        if values is not None:
            try:
                context.records.improvements.change(kept.id, _version(form), values)
                return RedirectResponse(link_of(request)(f"/improvements/{kept.id}"), 303)
            except RecordRefused as error:
                problems = {_field(error, form): OTHER}
            except RecordConflict as error:
                raise record_conflict() from error
        return _form(context, pages, request, Filled(fields=form, problems=problems), kept.id, 422)

    @router.post("/improvements/{improvement}/removal")
    def remove(request: Request, improvement: str, form: Form) -> Response:
        """Remove it; its history stays."""
        only_known(request.query_params, ("lang",))
        try:
            context.records.improvements.remove(improvement, _version(form))
        except RecordConflict as error:
            raise record_conflict() from error
        return RedirectResponse(link_of(request)("/improvements"), 303)


def _ask(context: Context, improvement: str = "") -> Ask:
    return make_ask(context, Filters(), {"improvement": improvement})


def _values(context: Context, request: Request, improvement: str) -> dict[str, Any]:
    ask = _ask(context, improvement)
    found = find(ask, improvement)
    history = context.records.improvements.history(found.id)
    return page_values(ask, found, history, context.language(request))


def _version(form: Mapping[str, str]) -> int:
    text = form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _field(error: RecordRefused, form: Mapping[str, str]) -> str:
    return error.field if error.field in form else ""


def _form(
    context: Context, pages: Pages, request: Request, filled: Filled, improvement: str | None, status: int = 200
) -> Response:
    offered = choices(context.store)
    values = {
        "filled": filled,
        "improvement": improvement,
        "rules": RULES,
        "statuses": IMPROVEMENT_STATUSES,
        "words": STATUS_WORDS,
        "services": offered.services,
        "territories": offered.territories,
    }
    return pages.page(request, "improvement_form.html", values, status=status)
