"""The register of algorithms: what each rule declares, with the settings in force, as data and as Markdown.

Source: docs/definitions/frictions.md, last paragraph; code des relations entre le public et l'administration, L311-3-1.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from shared.detection.declarations.cases import CASE_RULES
from shared.detection.declarations.contacts import CONTACT_RULES
from shared.detection.declarations.declaration import Declaration, Words
from shared.detection.declarations.online import ONLINE_RULES
from shared.detection.declarations.waiting import WAITING_RULES
from shared.detection.settings import ASSUMPTION, RULES
from shared.detection.wording import channel_name, duration, number

_DECLARED: Final = {each.name: each for each in (*CONTACT_RULES, *ONLINE_RULES, *WAITING_RULES, *CASE_RULES)}

DECLARATIONS: Final[dict[str, Declaration]] = {rule: _DECLARED[rule] for rule in RULES}
"""The declaration of each rule, in the order of the definitions."""

_TEXTS: Final = {
    "heading": Words(
        fr="Registre des algorithmes : les règles de Parcours", en="Register of algorithms: the rules of Parcours"
    ),
    "introduction": Words(
        fr="Ces règles repèrent, dans le parcours des personnes, les moments où un service leur donne du mal. Elles "
        "servent à améliorer le service. Elles ne prennent et ne préparent aucune décision sur une personne, ne notent "
        "ni les personnes ni les agents, et leur résultat reste un signe à examiner. Ce sont des comptes et des "
        "comparaisons de dates : aucune n'apprend à partir de données.",
        en="These rules notice, in people's journeys, the moments when a service gives them trouble. They serve to improve "
        "the service. They take and prepare no decision about a person, rate neither people nor staff, and their result "
        "remains a sign to be looked into. They count and compare dates: none of them learns from data.",
    ),
    "journey": Words(
        fr="Une règle ne rapproche que des faits d'un même parcours : ceux d'une même personne pour une même démarche, "
        "sans interruption de plus de {gap} ({open_case_gap} tant qu'un dossier est ouvert).",
        en="A rule only compares facts of one journey: those of one person for one procedure, without a break of more than "
        "{gap} ({open_case_gap} while a case is open).",
    ),
    "purpose": Words(fr="But", en="Purpose"),
    "data": Words(fr="Données utilisées", en="Data used"),
    "parameters": Words(fr="Réglages en vigueur", en="Settings in force"),
    "limits": Words(fr="Limites", en="Limits"),
    "owner": Words(fr="Responsable", en="Owner"),
    "state": Words(fr="État", en="State"),
    "minutes": Words(fr="Temps perdu estimé", en="Estimated time lost"),
    "exceptions": Words(fr="Réglages propres à une démarche", en="Settings of one procedure"),
    "none": Words(fr="aucun", en="none"),
    "on": Words(fr="active", en="on"),
    "off": Words(fr="désactivée", en="off"),
    "citizen": Words(fr="la personne", en="the person"),
    "administration": Words(fr="l'administration", en="the administration"),
    "assumption": Words(
        fr="Hypothèse de travail de Parcours, et non une mesure : à remplacer par votre propre relevé des temps",
        en=ASSUMPTION,
    ),
}


class Setting(Struct, frozen=True):
    """One parameter in force: its name in the rule file, what it means, its value in words."""

    name: str
    meaning: str
    value: str


class RegisterEntry(Struct, frozen=True, kw_only=True):
    """One rule of the register in one language. `exceptions` are lines on services with settings of their own."""

    rule: str
    title: str
    enabled: bool
    purpose: str
    data: str
    parameters: list[Setting]
    exceptions: list[str]
    minutes: str | None
    limits: str
    owner: str
    citizen_sees: bool
    needed_types: list[str]
    needed_fields: list[str]


def register(lang: str, document: Mapping[str, Any]) -> list[RegisterEntry]:
    """The entries in `fr`, else in English, in the order of the definitions, with the settings of a resolved document."""
    return [_entry(declaration, lang, document) for declaration in DECLARATIONS.values()]


def register_markdown(lang: str, document: Mapping[str, Any]) -> str:
    """The register as one Markdown text, for reading and publishing."""
    gaps = {name.removesuffix("_s"): duration(value, lang) for name, value in document["journey"].items()}
    parts = [f"# {_text('heading', lang)}", _text("introduction", lang), _text("journey", lang).format(**gaps)]
    for entry in register(lang, document):
        parts += [f"## {entry.title}", "\n".join(_lines(entry, lang))]
    return "\n\n".join(parts) + "\n"


def _text(key: str, lang: str) -> str:
    return _TEXTS[key].in_language(lang)


def _entry(declaration: Declaration, lang: str, document: Mapping[str, Any]) -> RegisterEntry:
    rule = declaration.name
    return RegisterEntry(
        rule=rule,
        title=declaration.title.in_language(lang),
        enabled=document[rule]["enabled"],
        purpose=declaration.purpose.in_language(lang),
        data=declaration.data.in_language(lang),
        parameters=[
            Setting(name, meaning.in_language(lang), _value(name, document[rule][name], lang))
            for name, meaning in declaration.parameters.items()
        ],
        exceptions=[
            f"`{service}`{_colon(lang)} {_exception(tables[rule], lang)}"
            for service, tables in document["service"].items()
            if tables.get(rule)
        ],
        minutes=_minutes(document["minutes"].get(rule), lang),
        limits=declaration.limits.in_language(lang),
        owner=declaration.owner.in_language(lang),
        citizen_sees=declaration.citizen_sees,
        needed_types=sorted(declaration.needed_types),
        needed_fields=sorted(declaration.needed_fields),
    )


def _value(name: str, value: Any, lang: str) -> str:
    """A setting in words: durations for names in `_s`, tables channel by channel."""
    if isinstance(value, Mapping):
        return ", ".join(f"{channel_name(each, lang)} {_value(name, amount, lang)}" for each, amount in value.items())
    if isinstance(value, bool):
        return _text("on" if value else "off", lang)
    return duration(value, lang) if name.endswith("_s") else number(value, lang)


def _exception(table: Mapping[str, Any], lang: str) -> str:
    return ", ".join(
        _value(name, value, lang) if name == "enabled" else f"{name} = {_value(name, value, lang)}"
        for name, value in table.items()
    )


def _minutes(table: Mapping[str, Any] | None, lang: str) -> str | None:
    """The minutes of a rule in words, with their source; `None` where the settings tell none."""
    if table is None:
        return None
    told = [
        f"{_text(who, lang)}{_colon(lang)} {_time(table[f'{who}_min'], lang)}"
        for who in ("citizen", "administration")
        if f"{who}_min" in table
    ]
    source = _text("assumption", lang) if table["source"] == ASSUMPTION else table["source"]
    return f"{_semicolon(lang).join(told)} ({source})" if told else None


def _time(minutes: float | Mapping[str, float], lang: str) -> str:
    if isinstance(minutes, Mapping):
        return _value("time_s", {channel: figure * 60 for channel, figure in minutes.items()}, lang)
    return duration(minutes * 60, lang)


def _lines(entry: RegisterEntry, lang: str) -> list[str]:
    settings = [f"  - `{each.name}` = {each.value}. {each.meaning}" for each in entry.parameters]
    given = [
        ("state", _text("on" if entry.enabled else "off", lang) + f" (`{entry.rule}`)"),
        ("purpose", entry.purpose),
        ("data", entry.data),
        ("parameters", "" if settings else _text("none", lang)),
    ]
    lines = [_item(key, value, lang) for key, value in given] + settings
    if entry.exceptions:
        lines += [_item("exceptions", "", lang), *(f"  - {each}" for each in entry.exceptions)]
    if entry.minutes:
        lines.append(_item("minutes", entry.minutes, lang))
    return [*lines, _item("limits", entry.limits, lang), _item("owner", entry.owner, lang)]


def _item(key: str, value: str, lang: str) -> str:
    return f"- **{_text(key, lang)}**{_colon(lang)} {value}".rstrip()


def _colon(lang: str) -> str:
    return "\u00a0:" if lang == "fr" else ":"


def _semicolon(lang: str) -> str:
    return "\u202f; " if lang == "fr" else "; "
