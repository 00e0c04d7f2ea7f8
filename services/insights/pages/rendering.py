"""Turns templates into pages: one Jinja environment a language, escaping always on, links that keep the language."""

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.charts.columns import OTHERS
from services.insights.context import Context
from services.insights.figures.files import FORMATS
from services.insights.figures.suppression import is_few
from services.insights.filters import Filters
from services.insights.language import CODES, Language
from services.insights.pages.cells import Cells, breakable
from services.insights.pages.menu import ALERTS, MENU
from services.insights.pages.words import event_words, needs_words, reason_words
from services.insights.static_files import read_static, static_address
from shared.detection.register import DECLARATIONS
from shared.journey.instants import SECOND_US, to_text
from shared.journey.vocabulary import CHANNELS

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_KEPT_MESSAGES: Final = 5_000
"""Messages that are kept ready for pages; there are about a third as many."""
_KEPT_VALUES: Final = 5_000
"""Filters, and values of them, that are kept as addresses say them: a page has hundreds of links with the same ones."""


class Link(Struct, frozen=True):
    """Makes addresses of this site; a language asked for in the address is kept in every link."""

    lang: str | None

    def __call__(self, path: str, filters: Filters | None = None, **more: str) -> str:
        parameters = {**(_parameters(filters) if filters else {}), **more}
        if self.lang:
            parameters["lang"] = self.lang
        query = "&".join([f"{_quoted(name)}={_quoted(str(value))}" for name, value in parameters.items()])
        return f"{path}?{query}" if query else path


@lru_cache(_KEPT_VALUES)
def _parameters(filters: Filters) -> Mapping[str, str]:
    return filters.parameters()


@lru_cache(_KEPT_VALUES)
def _quoted(value: str) -> str:
    return quote_plus(value)


class Pages:
    """All templates in all languages, read at start; instants by the clocks of a time zone."""

    def __init__(self, context: Context, zone: tzinfo = UTC) -> None:
        self._context = context
        files = read_static()

        def static(name: str) -> str:
            return static_address(files, name)

        self._environments: Final = {
            code: _environment(language.in_zone(zone), static, context) for code, language in context.languages.items()
        }

    def page(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The template in the language of the request."""
        language = self._context.language(request)
        asked = request.query_params.get("lang")
        body = (
            self._environments[language.code]
            .get_template(template)
            .render(
                **values,
                lang=language.code,
                link=Link(language.code if asked in CODES else None),
                languages=_languages(request, self._context.languages),
                path=request.url.path,
            )
        )
        vary = {"content-language": language.code, "vary": "accept-language"}
        return HTMLResponse(body, status, {**vary, **(headers or {})})

    def first_steps(self, request: Request) -> HTMLResponse:
        """What a page shows on an empty platform: how a first event gets in."""
        now = to_text(self._context.clock() // SECOND_US * SECOND_US).replace(".000000", "")
        return self.page(request, "first_steps.html", {"ingest_port": self._context.settings.ingest_port, "now": now})

    def error(
        self, request: Request, language: Language, problem: Mapping[str, Any], headers: Mapping[str, str]
    ) -> HTMLResponse:
        """The page of a request that failed."""
        del language
        return self.page(request, "error.html", {"problem": problem}, status=problem["status"], headers=headers)


class _Compiled(BytecodeCache):
    """Templates as they were compiled: once, for all languages and sites of a process."""

    def __init__(self) -> None:
        self._kept: Final[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is kept; of another text it is not taken."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it; there are as many as templates."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED: Final = _Compiled()


def _environment(language: Language, static: Callable[[str], str], context: Context) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    text = _texts(language)
    cells = Cells(language, text)
    environment.globals.update(
        _=text,
        gettext=text,
        cells=cells,
        l10n=language,
        zone_name=str(language.zone),
        plural=language.plural,
        static=static,
        version=context.version,
        menu=[each for each in MENU if context.alerts is not None or each.path != ALERTS],
        formats=tuple(FORMATS),
        small_cell_min=context.settings.small_cell_min,
        channel_name=cells.channel,
        series_class=series_class,
        needs=lambda types, fields: needs_words(types, fields, language),
        few=lambda count: is_few(count, context.settings.small_cell_min),
        breakable=breakable,
        reason_name=lambda reason: reason_words(reason, language),
        event_name=lambda kind: event_words(kind, language),
        rule_title=lambda rule: DECLARATIONS[rule].title.in_language(language.code),
        rule_purpose=lambda rule: DECLARATIONS[rule].purpose.in_language(language.code),
    )
    return environment


def _texts(language: Language) -> Callable[..., Markup]:
    """`gettext` as Jinja's own for templates, with values by name, but messages are looked up and made ready once."""

    @lru_cache(_KEPT_MESSAGES)
    def form(message: str) -> Markup:
        return Markup(language.translations.ugettext(message))  # noqa: S704 - messages are our own, values are escaped

    @lru_cache(_KEPT_MESSAGES)
    def plain(message: str) -> Markup:
        return form(message) % {}

    def text(message: str, /, **values: object) -> Markup:
        return form(message) % values if values else plain(message)

    return text


def series_class(name: str) -> str:
    """The class that colours a series of a chart: one for each known channel."""
    return f"series-{name}" if name in CHANNELS or name == OTHERS else "series-none"


class LanguageLink(Struct, frozen=True):
    """The same page in another language."""

    code: str
    name: str
    address: str
    current: bool


def _languages(request: Request, languages: Mapping[str, Language]) -> list[LanguageLink]:
    current = request.query_params.get("lang")
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return [
        LanguageLink(code, each.name, f"{request.url.path}?{urlencode([*others, ('lang', code)])}", code == current)
        for code, each in languages.items()
    ]
