"""What an alert is about, in words: the cause that names its playbook, its title, and where it is."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.alerts.finding import CONDITIONS, Condition, Series
from shared.detection.declarations.declaration import Words
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RULES
from shared.detection.wording import by_channel, quoted

CAUSES: Final = (*RULES, *CONDITIONS)
"""A rule, or a condition that is about none: each has a playbook and a text for citizens."""

_OF_RULE: Final[Mapping[Condition, Words]] = {
    "rise": Words(fr="Hausse : {name}", en="Rise: {name}"),
    "threshold": Words(fr="Seuil atteint : {name}", en="Threshold reached: {name}"),
}
_OF_CONDITION: Final[Mapping[Condition, Words]] = {
    "rise": Words(fr="Hausse des points de friction", en="Rise in friction points"),
    "threshold": Words(fr="Seuil atteint{name}", en="Threshold reached{name}"),
    "service_level": Words(fr="Niveau de service non tenu{name}", en="Service level not met{name}"),
    "silence": Words(fr="Plus d'événements reçus{name}", en="Events have stopped coming in{name}"),
    "rejects": Words(fr="Hausse des événements refusés{name}", en="Rise in refused events{name}"),
    "lag": Words(fr="Données en retard{name}", en="Data are running late{name}"),
}
_ALL_SERVICES: Final = Words(fr="toutes les démarches", en="all services")


def cause_of(series: Series) -> str:
    """The rule that rises or reaches a threshold, else the condition."""
    return series.rule if series.rule in RULES and series.condition in _OF_RULE else series.condition


def title_of(series: Series) -> Words:
    """What happened, in a few words: `Rise: Form begun, not sent`."""
    if cause_of(series) == series.rule:
        of_rule, name = _OF_RULE[series.condition], DECLARATIONS[series.rule].title
        return Words(fr=of_rule.fr.replace("{name}", name.fr), en=of_rule.en.replace("{name}", name.en))
    of_condition = _OF_CONDITION[series.condition]
    return Words(
        fr=of_condition.fr.replace("{name}", f" : {series.name}" if series.name else ""),
        en=of_condition.en.replace("{name}", f": {series.name}" if series.name else ""),
    )


def place_of(service: str, channels: Iterable[str], territory: str, service_names: Mapping[str, Words]) -> Words:
    """Where it happened: service, channels, territory."""
    return Words(
        fr=_place(service, channels, territory, service_names, "fr"),
        en=_place(service, channels, territory, service_names, "en"),
    )


def _place(service: str, channels: Iterable[str], territory: str, service_names: Mapping[str, Words], lang: str) -> str:
    if not service:
        first = _ALL_SERVICES.in_language(lang)
    elif service in service_names:
        first = quoted(service_names[service].in_language(lang), lang)
    else:
        first = quoted(service, lang)
    return ", ".join([first, *(by_channel(each, lang) for each in channels), *([territory] if territory else [])])
