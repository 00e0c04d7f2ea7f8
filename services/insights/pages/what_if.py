"""What if a rule were set otherwise: its settings as a form, the simulation under way, and what it found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.insights.api.simulations import simulations_of
from services.insights.charts.what_if import Pairs, pairs
from services.insights.context import Context
from services.insights.figures.figure import shown
from services.insights.figures.table import Table
from services.insights.figures.what_if import UNITS, WHAT_IF
from services.insights.filters import Filters
from services.insights.language import CODES, N_, Language
from services.insights.observability import rule_statuses
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.rendering import Link, Pages
from services.insights.ports import SimulationRun
from services.insights.problems import Problem
from services.insights.scenarios import (
    ENABLED,
    OPTIONS,
    UNIT,
    Setting,
    Settings,
    read_settings,
    scenario_of,
    snippet,
)
from services.insights.scenarios import UNITS as TIME_UNITS
from shared.detection.sentences import sentence
from shared.detection.settings import RULES, RuleBook
from shared.detection.what_if import Scenario, SimulationRefused

PATH: Final = "/what-if"
DEFAULT_RULE: Final = RULES[0]
_MAX_FIELDS: Final = 64
_WHY: Final = {
    "too_long": N_("It took too long. Choose a shorter period or one service."),
    "too_large": N_("It asks for more events than can be read. Choose a shorter period or one service."),
    "stopped": N_("The platform was stopped meanwhile. Start it again."),
}
_LABELS: Final = {"day": "yMMMd", "week": "yMMMd", "month": "yMMM", "year": "y"}


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form; the first of each name. Raises `Problem` 422 for what no form of ours sends."""
    try:
        pairs_given = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise Problem(422, "invalid-form", N_("This form cannot be read.")) from None
    return dict(reversed(pairs_given))


Form = Annotated[dict[str, str], Depends(_read_form)]


class FormField(Struct, frozen=True):
    """One number of the form: the text in it, and for a duration the seconds of its unit."""

    setting: Setting
    text: str
    unit: str
    current: str
    mistake: str


class Shown(Struct, frozen=True):
    """A finished simulation as the page shows it. `names` are those of the chart's stretches of time."""

    run: SimulationRun
    total: Table
    by: dict[str, Table]
    time: Table
    chart: Pairs
    names: list[str]
    unit: str
    observable: bool
    toml: str
    wording: tuple[str, str]


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/what-if`, `/what-if/progress`, `/what-if/end`"""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def what_if(request: Request) -> HTMLResponse:
        """The settings that the address gives, and their simulation where there is one."""
        frame = read_frame(context, request, PATH, *OPTIONS)
        if frame is None:
            return pages.first_steps(request)
        return _page(context, pages, request, frame, frame.options)

    @router.post(PATH)
    def try_settings(request: Request, form: Form) -> Response:
        """Begin the simulation that the form asks for, and go to its address; with mistakes, the form again."""
        frame = read_frame(context, request, PATH)
        return pages.first_steps(request) if frame is None else _begin(context, pages, request, frame, form)

    @router.get(PATH + "/progress")
    def progress(request: Request) -> Response:
        """How far the simulation `name` has come; once it has ended, the page is to be loaded again."""
        run = simulations_of(context).find(request.query_params.get("name", ""))
        if run is None or run.state != "running":
            return Response(headers={"hx-refresh": "true"})
        return pages.page(request, "what_if_progress.html", {"run": run})

    @router.post(PATH + "/end")
    def end(request: Request, form: Form) -> Response:
        """End the simulation `name`, and go back to the address that it was begun from."""
        simulations_of(context).cancel(form.get("name", ""))
        query = request.url.query
        return RedirectResponse(f"{PATH}?{query}" if query else PATH, status_code=303)

    return router


def _begin(context: Context, pages: Pages, request: Request, frame: Frame, form: Mapping[str, str]) -> Response:
    document = context.rules().document
    settings = read_settings(frame.asked.rule or DEFAULT_RULE, frame.asked.service, form, document)
    if settings.mistaken or not settings.changes():
        return _page(context, pages, request, frame, form, status=422)
    filters = _with_rule(frame, settings)
    try:
        simulations_of(context).start(scenario_of(settings, filters), document)
    except SimulationRefused:
        return _page(context, pages, request, frame, settings.options(), status=409)
    asked = request.query_params.get("lang")
    link = Link(asked if asked in CODES else None)
    return RedirectResponse(link(PATH, filters, **settings.options()), status_code=303)


def _with_rule(frame: Frame, settings: Settings) -> Filters:
    return structs.replace(frame.filters, rule=settings.rule)


def _page(
    context: Context, pages: Pages, request: Request, frame: Frame, given: Mapping[str, str], *, status: int = 200
) -> HTMLResponse:
    language, book = context.language(request), context.rules()
    settings = read_settings(frame.asked.rule or DEFAULT_RULE, frame.asked.service, given, book.document)
    filters = _with_rule(frame, settings)
    changed = bool(settings.changes()) and not settings.mistaken
    scenario = scenario_of(settings, filters) if changed else None
    found = None if scenario is None else simulations_of(context).find(scenario.name(book.document))
    running = simulations_of(context).running()
    values = {
        "frame": frame,
        "settings": settings,
        "fields": [_field(each, given, language) for each in settings.numbers],
        "units": TIME_UNITS,
        "figure": WHAT_IF,
        "rules": RULES,
        "signed_percent": lambda share: _signed_percent(share, language),
        "changed": changed,
        "options": settings.options() if changed else {},
        "run": found,
        "other": running if running is not None and running is not found else None,
        "why": language.text(_WHY.get(found.why, N_("This is our fault, not yours. It has been written down.")))
        if found
        else "",
        "result": None,
        "linked": filters,
        "nothing": status == 422 and not settings.mistaken,
    }
    if found is not None and found.result is not None and scenario is not None:
        values["result"] = _result(context, frame, settings, scenario, found, language)
    return pages.page(request, "what_if.html", values, status=status)


def _field(setting: Setting, given: Mapping[str, str], language: Language) -> FormField:
    if setting.mistake is not None:
        amounts = {
            name: language.duration(amount) if setting.seconds else language.number(amount)
            for name, amount in setting.mistake.amounts.items()
        }
        mistake = language.text(setting.mistake.message, amounts)
        return FormField(
            setting, setting.given or "", given.get(setting.name + UNIT, "1"), _words(setting, language), mistake
        )
    value = setting.wanted if setting.wanted is not None else setting.current
    unit = _unit(value) if setting.seconds else "1"
    text = _decimal(value / float(unit), language) if value != float("inf") else ""
    return FormField(setting, text, unit, _words(setting, language), "")


def _words(setting: Setting, language: Language) -> str:
    if setting.current == float("inf"):
        return language.text(N_("none"))
    return language.duration(setting.current) if setting.seconds else language.number(setting.current)


def _unit(seconds: float) -> str:
    """The largest unit in which a duration is a whole number."""
    return next((unit for unit in reversed(TIME_UNITS) if seconds and seconds % float(unit) == 0), "1")


def _decimal(value: float, language: Language) -> str:
    text = f"{value:f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language.code == "fr" else text


def _result(
    context: Context, frame: Frame, settings: Settings, scenario: Scenario, run: SimulationRun, language: Language
) -> Shown:
    options = settings.options()

    def figure(by: str, **more: str) -> Table:
        ask = frame.ask(context, **options, by=by, **more)
        return shown(WHAT_IF, structs.replace(ask, filters=_with_rule(frame, settings)))

    unit = frame.period.unit if frame.period.unit in UNITS else "day"
    time = figure("time", unit=unit)
    starts = [str(start) for start in time.column("start")]
    book = context.rules()
    other = RuleBook(scenario.document(book.document), book.version)
    status = rule_statuses(context.store, frame.filters, other)[settings.rule]
    now, then = (_whole(time, name) for name in ("now", "then"))
    total = figure("rule")
    return Shown(
        run=run,
        total=total,
        by={name: figure(name) for name in ("service", "channel", "territory")},
        time=time,
        chart=pairs(now, then),
        names=[_label(start, unit, language) for start in starts],
        unit=unit,
        observable=status != "not_observable" or bool(total.column("now")[0]),
        toml=snippet(scenario),
        wording=_wording(settings, book.document, other.document, language),
    )


def _signed_percent(share: float, language: Language) -> str:
    sign = "+" if share > 0 else "−" if share < 0 else "±"
    return sign + language.percent(abs(share))


def _whole(found: Table, name: str) -> list[int | None]:
    return [None if value is None else int(value) for value in found.column(name)]


def _label(start: str, unit: str, language: Language) -> str:
    return language.bin_label(datetime.fromisoformat(start), _LABELS[unit])


def _wording(
    settings: Settings, now: Mapping[str, Any], then: Mapping[str, Any], language: Language
) -> tuple[str, str]:
    """How a point of the rule is explained, now and then, with its parameters and nothing of a person."""
    found = []
    for document in (now, then):
        table = document["service"].get(settings.service or "", {}).get(settings.rule, {})
        numbers = {
            name: value
            for name, value in {**document[settings.rule], **table}.items()
            if name != ENABLED and not isinstance(value, dict)
        }
        found.append(sentence(settings.rule, language.code, {}, numbers, {}))
    return found[0], found[1]
