"""Figures in plain words, in French and English: durations, numbers, dates, channels, and the typography of both.

Every function takes the language as `fr`; anything else is English.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

_NO_BREAK: Final = "\u00a0"
_THIN_NO_BREAK: Final = "\u202f"

_UNITS: Final = (
    (86_400, ("jour", "jours"), ("day", "days")),
    (3_600, ("heure", "heures"), ("hour", "hours")),
    (60, ("minute", "minutes"), ("minute", "minutes")),
    (1, ("seconde", "secondes"), ("second", "seconds")),
)

_MONTHS: Final = {
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}

_CHANNELS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # channel: name in French, how one comes by it in French, the same in English
    "web": ("web", "en ligne", "web", "online"),
    "phone": ("téléphone", "par téléphone", "phone", "by phone"),
    "counter": ("guichet", "au guichet", "counter", "at the counter"),
    "email": ("courriel", "par courriel", "e-mail", "by e-mail"),
    "letter": ("courrier", "par courrier", "letter", "by letter"),
    "chat": ("messagerie instantanée", "par messagerie instantanée", "chat", "by chat"),
    "bot": (
        "assistant automatique",
        "par l'assistant automatique",
        "automated assistant",
        "by the automated assistant",
    ),
    "social": ("réseaux sociaux", "sur les réseaux sociaux", "social media", "on social media"),
    "partner": ("partenaire", "chez un partenaire", "partner", "through a partner"),
}


def typeset(text: str, lang: str) -> str:
    """The text with curved apostrophes and, in French, no-break spaces before `: ; ! ? %` and inside « »."""
    text = text.replace("'", "’")
    if lang != "fr":
        return text
    text = re.sub(r" (?=[;!?])", _THIN_NO_BREAK, text)
    return re.sub(r" (?=[:»%])|(?<=«) ", _NO_BREAK, text)


def number(value: float, lang: str) -> str:
    """A number with at most two decimals: `1 234,5` in French (thin no-break space), `1,234.5` in English."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    if lang != "fr":
        return text
    return text.translate({ord(","): _THIN_NO_BREAK, ord("."): ","})


def counted(value: float, forms: tuple[str, str], lang: str) -> str:
    """A number and its noun: plural from 2 on in French, for anything but 1 in English."""
    single = value < 2 if lang == "fr" else value == 1
    return f"{number(value, lang)}{_NO_BREAK}{forms[0] if single else forms[1]}"


def duration(seconds: float, lang: str) -> str:
    """A duration in its largest unit and the next, rounded down: `3 jours et 4 heures`, `5 minutes`."""
    rest = int(seconds)
    if rest < 1:
        return "moins d’une seconde" if lang == "fr" else "less than a second"
    parts: list[str] = []
    for size, french, english in _UNITS:
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(counted(amount, french if lang == "fr" else english, lang))
        if parts and (not amount or len(parts) == 2):
            break
    return (" et " if lang == "fr" else " and ").join(parts)


def date_and_time(text: str, lang: str) -> str:
    """An instant (RFC 3339) as `12 mars 2026 à 23 h 59 UTC`; a text that is none is given back as it is."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    if lang == "fr":
        day = "1er" if moment.day == 1 else str(moment.day)
        at = f"à {moment.hour}{_NO_BREAK}h{_NO_BREAK}{moment.minute:02}"
    else:
        day = str(moment.day)
        at = f"at {moment.hour}:{moment.minute:02}"
    month = _MONTHS["fr" if lang == "fr" else "en"][moment.month - 1]
    return f"{day}{_NO_BREAK}{month} {moment.year} {at} UTC"


def quoted(text: str, lang: str) -> str:
    """A name between the quotation marks of the language."""
    return f"«{_NO_BREAK}{text}{_NO_BREAK}»" if lang == "fr" else f"“{text}”"


def channel_name(channel: str, lang: str) -> str:
    """The name of a channel: `téléphone`, `phone`; one that is not known is given back as it is."""
    names = _CHANNELS.get(channel)
    return channel if names is None else names[0 if lang == "fr" else 2]


def by_channel(channel: str, lang: str) -> str:
    """How a person comes by a channel: `par téléphone`, `by phone`."""
    names = _CHANNELS.get(channel)
    if names is not None:
        return names[1 if lang == "fr" else 3]
    return f"{'par le canal' if lang == 'fr' else 'by the channel'} {quoted(channel, lang)}"


def waiting_at(channel: str, lang: str) -> str:
    """Where a person waits on a channel: `au téléphone`, `on the phone`."""
    if channel == "phone":
        return "au téléphone" if lang == "fr" else "on the phone"
    return by_channel(channel, lang)
