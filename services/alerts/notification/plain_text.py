"""A message as plain text, in French and then in English."""

import re
from typing import Final

from services.alerts.notification.message import Message
from shared.detection.wording import date_and_time, number, typeset

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_RULER: Final = "-" * 40

_LABELS: Final = {
    "fr": {
        "what": "Quoi",
        "where": "Où",
        "since": "Depuis",
        "resolved": "Terminée",
        "citizens": "Personnes touchées",
        "compared": "Mesuré",
        "why": "Pourquoi",
        "evidence": "Preuves",
        "alert": "Alerte",
        "playbook": "Que faire",
        "text": "Texte proposé pour le public (serveur vocal, bandeau), à relire avant diffusion",
    },
    "en": {
        "what": "What",
        "where": "Where",
        "since": "Since",
        "resolved": "Resolved",
        "citizens": "People affected",
        "compared": "Measured",
        "why": "Why",
        "evidence": "Evidence",
        "alert": "Alert",
        "playbook": "What to do",
        "text": "Proposed text for the public (telephone message, banner), to be read before it is used",
    },
}
_TEST: Final = {
    "fr": "Ceci est un essai : aucune alerte n'est en cours.",
    "en": "This is a test: there is no alert.",
}


def one_line(text: str) -> str:
    """The text without anything that ends a line or controls a terminal."""
    return _CONTROL.sub(" ", text).strip()


def body_text(message: Message) -> str:
    """The text of an e-mail."""
    return "\n".join([*_part(message, "fr"), "", _RULER, "", *_part(message, "en"), ""])


def _part(message: Message, lang: str) -> list[str]:
    label = _LABELS[lang]
    lines = [one_line(getattr(message.subject, lang)), ""]
    if message.test:
        lines += [typeset(_TEST[lang], lang), ""]
    values = {
        "what": getattr(message.what.title, lang),
        "where": getattr(message.where.text, lang),
        "since": date_and_time(message.since, lang),
        "resolved": date_and_time(message.resolved, lang) if message.resolved else "",
        "citizens": _citizens(message, lang),
        "compared": getattr(message.compared.text, lang) if message.compared else "",
        "why": getattr(message.why, lang),
        "evidence": message.links.evidence or "",
        "alert": message.links.alert or "",
        "playbook": getattr(message.links.playbook, lang) if message.links.playbook else "",
    }
    lines += [_labelled(label[name], lang) + " " + one_line(value) for name, value in values.items() if value]
    return [*lines, "", _labelled(label["text"], lang), getattr(message.citizen_text, lang)]


def _labelled(label: str, lang: str) -> str:
    return typeset(f"{label} :", lang) if lang == "fr" else f"{label}:"


def _citizens(message: Message, lang: str) -> str:
    citizens = message.citizens
    if citizens.count is not None:
        return ("au moins " if lang == "fr" else "at least ") + number(citizens.count, lang)
    if citizens.withheld:
        return f"moins de {citizens.minimum}" if lang == "fr" else f"fewer than {citizens.minimum}"
    return ""
