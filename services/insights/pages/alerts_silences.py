"""Silences and maintenances: those in force or announced; a new one is previewed, then set; ended."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.alerts_desk import SILENCE_PARTS, desk_of, silence_values, typed_problems
from services.insights.context import Context
from services.insights.figures.summaries import Choices, choices
from services.insights.filters import MAX_VALUE_CHARS, only_known
from services.insights.forms import read_form
from services.insights.language import N_
from services.insights.pages.alerts_words import CONDITION_TITLES, SEVERITY_TITLES, SILENCE_TITLES, STATE_TITLES
from services.insights.pages.openings import link_of
from services.insights.pages.rendering import Pages
from shared.alerts.sheet import Hidden
from shared.detection.settings import RULES
from shared.errors import RecordRefused, StoreError
from shared.journey.instants import HOUR_US, SECOND_US, from_us, to_us
from shared.journey.vocabulary import CHANNELS
from shared.registry.alert_silences import MAX_SILENCE_DAYS, SilenceValues

USUAL_HOURS: Final = 2
_MINUTE_US: Final = 60 * SECOND_US
_TIMES: Final = ("from", "until")
_FIELDS: Final = ("kind", *SILENCE_PARTS, *_TIMES, "reason", "author")
_PROBLEMS: Final = {
    "from_us": N_("Please give the day and time of its beginning."),
    "until_us": N_("It must end in the future, after its beginning, and after 31 days at most."),
    "reason": N_("Please give the reason, in at most 1,000 characters."),
    "author": N_("Please say who sets it: a role or a team, in at most 200 characters."),
    "kind": N_("Please choose a silence or a maintenance."),
    "condition": N_("Please choose what is watched from the list."),
    "rule": N_("Please choose a rule from the list."),
    "service": N_("The name of the service may have at most 256 characters."),
    "channel": N_("Please choose a channel from the list."),
    "territory": N_("The territory may have at most 256 characters."),
}
_EVERYTHING: Final = N_("Only a maintenance can silence everything: name a rule, a service, a channel or a territory.")

Form = Annotated[Mapping[str, str], Depends(read_form)]


class Asked(Struct, frozen=True, kw_only=True):
    """The form as it was filled in, what is wrong with it, and what it would hide."""

    values: Mapping[str, str]
    field: str = ""
    problem: str = ""
    hidden: Hidden | None = None


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/alerts/silences`, `/alerts/silences/preview`, `/alerts/silences/{silence}/end`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/alerts/silences")
    def silences(request: Request) -> Response:
        """Those in force now or later, and the form of another, for what the address names."""
        only_known(request.query_params, (*SILENCE_PARTS, "lang"))
        begin_us = context.clock() // _MINUTE_US * _MINUTE_US
        values = {name: request.query_params.get(name, "")[:MAX_VALUE_CHARS] for name in SILENCE_PARTS}
        zone = desk_of(context).zone
        until = _field_text(begin_us + USUAL_HOURS * HOUR_US, zone)
        values |= {"kind": "silence", "from": _field_text(begin_us, zone), "until": until}
        return _page(context, pages, request, Asked(values=values))

    @router.post("/alerts/silences/preview")
    def preview(request: Request, form: Form) -> Response:
        """What this silence would hide; nothing is set."""
        only_known(request.query_params, ("lang",))
        try:
            desk = desk_of(context)
            hidden = desk.preview(_values(form, desk.zone))
        except RecordRefused as error:
            return _refused(context, pages, request, form, error)
        return _page(context, pages, request, Asked(values=form, hidden=hidden))

    @router.post("/alerts/silences")
    def add(request: Request, form: Form) -> Response:
        """Set it."""
        only_known(request.query_params, ("lang",))
        try:
            desk = desk_of(context)
            desk.silence(_values(form, desk.zone))
        except RecordRefused as error:
            return _refused(context, pages, request, form, error)
        return RedirectResponse(link_of(request)("/alerts/silences"), 303)

    @router.post("/alerts/silences/{silence}/end")
    def end(request: Request, silence: str, form: Form) -> Response:
        """End it now; one that has not begun is removed."""
        only_known(request.query_params, ("lang",))
        version = form.get("version", "")
        with typed_problems():
            desk_of(context).end_silence(silence, int(version) if version.isdecimal() and len(version) < 11 else 0)
        return RedirectResponse(link_of(request)("/alerts/silences"), 303)

    return router


def _values(form: Mapping[str, str], zone: tzinfo) -> SilenceValues:
    """Raises `RecordRefused` for a time that is none."""
    return silence_values(form, *(_instant(name, form.get(name, ""), zone) for name in _TIMES))


def _instant(name: str, text: str, zone: tzinfo) -> int:
    """The instant of a field of day and time."""
    try:
        return to_us(datetime.fromisoformat(text[:19]).replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise RecordRefused(f"{name}_us", f"{name}: expected a day and a time") from error


def _field_text(instant_us: int, zone: tzinfo) -> str:
    return f"{from_us(instant_us).astimezone(zone):%Y-%m-%dT%H:%M}"


def _refused(
    context: Context, pages: Pages, request: Request, form: Mapping[str, str], error: RecordRefused
) -> Response:
    asked = Asked(values=form, field=error.field, problem=_PROBLEMS.get(error.field, _EVERYTHING))
    return _page(context, pages, request, asked, status=422)


def _page(context: Context, pages: Pages, request: Request, asked: Asked, status: int = 200) -> Response:
    silences = desk_of(context).silences()
    offered = _offered(context)
    values: dict[str, Any] = {
        "silences": silences,
        "now_us": context.clock(),
        "kinds": SILENCE_TITLES,
        "conditions": CONDITION_TITLES,
        "states": STATE_TITLES,
        "severities": SEVERITY_TITLES,
        "rules": RULES,
        "channels": CHANNELS,
        "services": offered.services,
        "territories": offered.territories,
        "filled": {name: asked.values.get(name, "") for name in _FIELDS},
        "wrong": asked.field.removesuffix("_us"),
        "problem": asked.problem,
        "hidden": asked.hidden,
        "longest_days": MAX_SILENCE_DAYS,
    }
    return pages.page(request, "alerts_silences.html", values, status=status)


def _offered(context: Context) -> Choices:
    """What the form offers; nothing while ClickHouse does not answer, for a silence can be set without it."""
    try:
        return choices(context.store)
    except StoreError:
        return Choices([], [], [])
