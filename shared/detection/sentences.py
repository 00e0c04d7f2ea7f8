"""Says in plain words why a point is a point, from its own figures.

A template is text with `{names}` of values and optional parts in square brackets: of `[one|other]` the first whose values
are all known is said, else nothing. What the figures and parameters of a rule are: docs/definitions/decisions.md.
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from shared.detection.wording import (
    by_channel,
    channel_name,
    counted,
    date_and_time,
    duration,
    number,
    quoted,
    typeset,
    waiting_at,
)

__all__ = ["channel_name", "sentence"]

Values = Mapping[str, float | str]

_FRENCH: Final = {
    "repeat_contact": "Nouveau contact[ {channel}][, {gap} après un contact précédent[ {earlier}]], pour la même "
    "démarche et sans que l'administration l'ait demandé.",
    "unanswered_retry": "Nouvel essai[ {channel}][, {gap}] après un contact[ {earlier}] qui n'avait pas abouti.",
    "channel_switch": "Contact[ {channel}][, {gap}] après un contact ou une étape[ {earlier}] : la personne a changé de canal.",
    "form_abandoned": "Formulaire commencé et non envoyé[ : {actions}][, un brouillon enregistré{saved}], puis plus rien"
    "[ pendant {window}| pendant {saved_window}].",
    "error_loop": "[{errors}|Plusieurs erreurs] à[ l'étape {step}| une même étape][ en {span}]"
    "[ (signalées à partir de {count}[ en {window}])].",
    "repeated_click": "Plusieurs clics rapprochés au même endroit[, à l'étape {step}] : la page n'a peut-être pas réagi.",
    "long_wait": "[{wait} d'attente|Une longue attente][ {queue}] avant la prise en charge[ (limite : {limit})].",
    "queue_abandoned": "La personne a quitté la file d'attente[ {queue}] avant d'être prise en charge[, après {wait}]"
    "[ (compté à partir de {minimum})].",
    "turned_away": "L'appel n'a pas pu être pris : service fermé, lignes occupées ou aucun agent disponible.",
    "unanswered_message": "[Demande de rappel restée sans suite pendant {callback_window}"
    "|Message reçu[ {channel}] et resté sans réponse[ pendant {window}]].",
    "transfer_loop": "[{transfers}|Plusieurs transferts] au cours d'un même contact[ {channel}]"
    "[ (signalés à partir de {count})].",
    "ping_pong": "Le dossier est revenu à[ l'équipe {team}| une équipe qui l'avait déjà traité]"
    "[ après être passé par l'équipe {from_team}].",
    "repeated_request": "[La pièce {document}|Une pièce] a été demandée de nouveau[, {gap} après la demande précédente].",
    "rework": "[L'étape {step}|Une étape] du dossier a été refaite[, {gap} après la fois précédente].",
    "case_reopened": "Le dossier a été rouvert.",
    "deadline_missed": "Le dossier était encore ouvert après la date annoncée[, le {due}]"
    "[ (sans compter {paused} d'attente d'une pièce)].",
    "status_chasing": "Contact[ {channel}] pour savoir où en est le dossier.",
    "low_rating": "[Note de {rating} sur 5|Note défavorable][ (défavorable jusqu'à {rating_limit})].",
}

_ENGLISH: Final = {
    "repeat_contact": "A new contact[ {channel}][, {gap} after an earlier one[ {earlier}]], for the same procedure and "
    "without the administration having asked for it.",
    "unanswered_retry": "Another attempt[ {channel}][, {gap}] after a contact[ {earlier}] that had come to nothing.",
    "channel_switch": "A contact[ {channel}][, {gap}] after an earlier contact or step[ {earlier}]: the person changed channel.",
    "form_abandoned": "A form was begun and not sent[: {actions}][, a draft saved{saved}], then nothing more"
    "[ for {window}| for {saved_window}].",
    "error_loop": "[{errors}|Several errors] at[ step {step}| one step][ within {span}]"
    "[ (reported from {count} on[, within {window}])].",
    "repeated_click": "Several clicks in quick succession at one spot[, at step {step}]: the page may not have responded.",
    "long_wait": "[A wait of {wait}|A long wait][ {queue}] before being served[ (limit: {limit})].",
    "queue_abandoned": "The person left the queue[ {queue}] before being served[, after {wait}]"
    "[ (counted from {minimum} on)].",
    "turned_away": "The call could not be taken: closed, lines busy or no member of staff available.",
    "unanswered_message": "[A request to be called back had no follow-up for {callback_window}"
    "|A message[ {channel}] had no answer[ for {window}]].",
    "transfer_loop": "[{transfers}|Several transfers] within one contact[ {channel}][ (reported from {count} on)].",
    "ping_pong": "The case came back to[ team {team}| a team that had already handled it]"
    "[ after having been with team {from_team}].",
    "repeated_request": "[The document {document}|A document] was asked for again[, {gap} after the request before].",
    "rework": "[The step {step}|A step] of the case was done again[, {gap} after the time before].",
    "case_reopened": "The case was reopened.",
    "deadline_missed": "The case was still open after the date announced[, {due}]"
    "[ (not counting {paused} of waiting for a document)].",
    "status_chasing": "A contact[ {channel}] to find out where the case stands.",
    "low_rating": "[A rating of {rating} out of 5|A low rating][ (low up to {rating_limit})].",
}

_TEMPLATES: Final = {
    lang: {rule: typeset(template, lang) for rule, template in templates.items()}
    for lang, templates in (("fr", _FRENCH), ("en", _ENGLISH))
}


def _noun(french: tuple[str, str], english: tuple[str, str]) -> Callable[[float, str], str]:
    return lambda value, lang: counted(value, french if lang == "fr" else english, lang)


def _told(words: Callable[[float, str], str]) -> Callable[[float, str], str | None]:
    """The words, unless there is nothing to tell: less than 1."""
    return lambda value, lang: words(value, lang) if value >= 1 else None


_FIGURES, _PARAMETERS, _DIMS = range(3)

_NUMBERS: Final[dict[str, tuple[int, str, Callable[[float, str], str | None]]]] = {
    "gap": (_FIGURES, "gap_s", duration),
    "span": (_FIGURES, "span_s", duration),
    "wait": (_FIGURES, "wait_s", duration),
    "paused": (_FIGURES, "paused_s", _told(duration)),
    "actions": (_FIGURES, "form_events", _noun(("action", "actions"), ("action", "actions"))),
    "errors": (_FIGURES, "errors", _noun(("erreur", "erreurs"), ("error", "errors"))),
    "transfers": (_FIGURES, "transfers", _noun(("transfert", "transferts"), ("transfer", "transfers"))),
    "saved": (_FIGURES, "saved", _told(lambda _value, _lang: "")),
    "rating": (_FIGURES, "rating", number),
    "window": (_PARAMETERS, "window_s", duration),
    "saved_window": (_PARAMETERS, "saved_window_s", duration),
    "callback_window": (_PARAMETERS, "callback_window_s", duration),
    "limit": (_PARAMETERS, "limit_s", duration),
    "minimum": (_PARAMETERS, "minimum_s", duration),
    "count": (_PARAMETERS, "count", number),
    "rating_limit": (_PARAMETERS, "limit", number),
}
_TEXTS: Final[dict[str, tuple[int, str, Callable[[str, str], str]]]] = {
    "earlier": (_FIGURES, "earlier_channel", by_channel),
    "due": (_FIGURES, "due", date_and_time),
    "team": (_FIGURES, "team", quoted),
    "from_team": (_FIGURES, "from_team", quoted),
    "document": (_FIGURES, "document", quoted),
    "channel": (_DIMS, "channel", by_channel),
    "queue": (_DIMS, "channel", waiting_at),
    "step": (_DIMS, "step", quoted),
}

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_NAME: Final = re.compile(r"\{(\w+)\}")


def sentence(rule: str, lang: str, figures: Values, parameters: Values, dims: Values) -> str:
    """Why a point of the rule is one, in `fr`, else in English.

    `figures` and `parameters` are the point's own, as numbers or as texts of numbers; `dims` holds its `channel` and
    `step`. What is absent, empty or no number is left out of the sentence. Raises `KeyError` for a rule that is none.
    """
    template = _TEMPLATES["fr" if lang == "fr" else "en"][rule]
    known = _known((figures, parameters, dims), lang)

    def first_known(part: re.Match[str]) -> str:
        for choice in part[1].split("|"):
            if all(name in known for name in _NAME.findall(choice)):
                return choice
        return ""

    while "[" in template:
        template = _OPTIONAL.sub(first_known, template)
    said = template.format_map(known)
    return said[0].upper() + said[1:]  # "less than a second" may come first


def _known(given: tuple[Values, Values, Values], lang: str) -> dict[str, str]:
    """The values that can be told, in words."""
    known: dict[str, str | None] = {}
    for name, (where, key, number_in_words) in _NUMBERS.items():
        value = _number(given[where].get(key))
        known[name] = None if value is None else number_in_words(value, lang)
    for name, (where, key, in_words) in _TEXTS.items():
        text = str(given[where].get(key) or "")
        known[name] = in_words(text, lang) if text else None
    return {name: words for name, words in known.items() if words is not None}


def _number(value: float | str | None) -> float | None:
    """The figure as a number from 0 on; `None` if it is none."""
    try:
        figure = float(value) if value is not None else None
    except ValueError:
        return None
    return figure if figure is not None and isfinite(figure) and figure >= 0 else None
