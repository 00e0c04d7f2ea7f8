"""Alerts: the list as it is now, one alert with what to do about it, playbooks."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.alerts_choice import STATES
from services.insights.alerts_desk import CONFLICT, desk_of, found
from services.insights.context import Context
from services.insights.filters import only_known
from services.insights.forms import read_form
from services.insights.language import N_
from services.insights.pages.alerts_list import SharedList, read_list
from services.insights.pages.alerts_words import (
    CHOICE_TITLES,
    ENDING_TITLES,
    SEVERITY_TITLES,
    STATE_TITLES,
    history_entry,
    quiet_by,
)
from services.insights.pages.openings import link_of, path_to
from services.insights.pages.rendering import Pages
from services.insights.ports import AlertDesk
from services.insights.problems import Problem
from shared.alerts.sheet import Sheet
from shared.errors import RecordConflict, RecordRefused
from shared.journey.instants import HOUR_US

HOURS: Final = (1, 2, 4, 8, 24, 72, 168)
"""For how long somebody may take an alert on, in the form."""
_PROBLEMS: Final = {
    "by": N_("Please say who does this: a role or a team, in at most 200 characters."),
    "text": N_("A comment says something, in at most 4,000 characters."),
    "to": N_("Please say to whom, in at most 200 characters."),
    "until": N_("It can be taken on for a week at most."),
    "state": N_("This cannot be done with the alert as it is now."),
}
_OTHER_PROBLEM: Final = N_("This cannot be done as it is: a text holds characters that are none.")

Form = Annotated[Mapping[str, str], Depends(read_form)]
Action = Callable[[AlertDesk, str, int, Mapping[str, str], int], Sheet]


class Tried(Struct, frozen=True):
    """The form as it was filled in, and what is wrong: the field and a message."""

    values: Mapping[str, str] = {}
    field: str = ""
    problem: str = ""


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/alerts`, `/alerts/list`, `/alerts/playbooks/{cause}`, `/alerts/{alert}` and what people do there"""
    router = APIRouter(include_in_schema=False)
    _list_routes(router, context, pages)
    _playbook_routes(router, context, pages)
    _alert_routes(router, context, pages)
    return router


def _list_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    shared = SharedList(context, pages)

    @router.get("/alerts")
    def alerts(request: Request) -> Response:
        """What is going on now, what asks for attention first."""
        listed = read_list(context, request)
        places = {each.service for sheet in listed.open for each in sheet.readings if each.service}
        territories = {each.territory for sheet in listed.open for each in sheet.readings if each.territory}
        values = {
            **listed.values(),
            "choices": {state: CHOICE_TITLES[state] for state in STATES},
            "services": sorted(places | {listed.choice.service} - {""}),
            "territories": sorted(territories | {listed.choice.territory} - {""}),
        }
        return pages.page(request, "alerts.html", values)

    @router.get("/alerts/list")
    def part(request: Request) -> Response:
        """The list alone, for the page's script."""
        return shared.answer(request)


def _playbook_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/alerts/playbooks/{cause}")
    def playbook(request: Request, cause: str) -> Response:
        """What to do about a cause."""
        only_known(request.query_params, ("lang",))
        guide = desk_of(context).guide(cause, context.language(request).code)
        if guide is None:
            raise Problem(404, "no-playbook", N_("There is no playbook of this name."))
        return pages.page(request, "alerts_playbook.html", {"guide": guide})


def _alert_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/alerts/{alert}")
    def alert(request: Request, alert: str) -> Response:
        """One alert: what, where, since when, compared with what, why, what to do, what was done."""
        only_known(request.query_params, ("lang",))
        return _page(context, pages, request, alert, Tried())

    def add(name: str, action: Action) -> None:
        @router.post(f"/alerts/{{alert}}/{name}", name=name)
        def act(request: Request, alert: str, form: Form) -> Response:
            only_known(request.query_params, ("lang",))
            return _act(context, pages, request, alert, form, action)

    add("acknowledge", _acknowledge)
    add("assign", lambda desk, alert, version, form, _: desk.assign(alert, version, _by(form), form.get("to", "")))
    add("comment", lambda desk, alert, version, form, _: desk.comment(alert, version, _by(form), form.get("text", "")))
    add("resolve", lambda desk, alert, version, form, _: desk.resolve(alert, version, _by(form), form.get("text", "")))


def _acknowledge(desk: AlertDesk, alert: str, version: int, form: Mapping[str, str], now_us: int) -> Sheet:
    hours = form.get("hours", "")
    if hours and hours not in map(str, HOURS):
        raise RecordRefused("until", "until: no such time is offered")
    until_us = now_us + int(hours) * HOUR_US if hours else None
    return desk.acknowledge(alert, version, _by(form), until_us, form.get("text", ""))


def _by(form: Mapping[str, str]) -> str:
    return form.get("by", "")


def _act(
    context: Context, pages: Pages, request: Request, alert: str, form: Mapping[str, str], action: Action
) -> Response:
    """Do it and lead back to the alert; what cannot be done is said on its page."""
    desk = desk_of(context)
    found(desk, alert)
    version = form.get("version", "")
    try:
        action(desk, alert, int(version) if version.isdecimal() and len(version) < 11 else 0, form, context.clock())
    except RecordConflict:
        return _page(context, pages, request, alert, Tried(form, "", CONFLICT), 409)
    except RecordRefused as error:
        tried = Tried(form, error.field, _PROBLEMS.get(error.field, _OTHER_PROBLEM))
        return _page(context, pages, request, alert, tried, 422)
    return RedirectResponse(link_of(request)(path_to("alerts", alert)), 303)


def _page(context: Context, pages: Pages, request: Request, alert: str, tried: Tried, status: int = 200) -> Response:
    desk, language = desk_of(context), context.language(request)
    sheet = found(desk, alert)
    values: dict[str, Any] = {
        "sheet": sheet,
        "history": [history_entry(each, language) for each in desk.history(alert)],
        "guide": desk.guide(sheet.cause, language.code),
        "quiet": quiet_by(sheet.suppressed_by),
        "hours": HOURS,
        "states": STATE_TITLES,
        "severities": SEVERITY_TITLES,
        "endings": ENDING_TITLES,
        "filled": {name: tried.values.get(name, "") for name in ("by", "text", "to", "hours")},
        "wrong": tried.field,
        "problem": tried.problem,
    }
    return pages.page(request, "alert.html", values, status=status)
