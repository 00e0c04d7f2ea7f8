"""Why an alert: one sentence, in French and English, from the figures of a finding.

It stands below a title and a place, which it does not repeat, or alone, and then begins with them. Counts of people below the
site's bound are told as "fewer than 10", and an average that may come from as few as "hardly any".
"""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final

from babel import Locale
from babel.dates import format_datetime, format_time
from babel.numbers import format_decimal, format_percent
from msgspec import Struct

from services.alerts.settings import ServiceLevel
from shared.alerts.finding import Condition, Finding, Series
from shared.detection.declarations.declaration import Words
from shared.detection.register import DECLARATIONS
from shared.detection.wording import by_channel, duration, quoted, typeset
from shared.journey.instants import DAY_US, SECOND_US, from_us

_LOCALES: Final = {"fr": Locale.parse("fr_FR"), "en": Locale.parse("en_GB")}
_LEAST_WEEKS: Final = 3
"""An average is told where so many weeks make it come from no fewer people than may be shown."""


class Reader(Struct, frozen=True):
    """For whom: language (`fr`, or English), time zone, the bound of small counts, names of services by their code, service levels by name."""

    lang: str
    zone: tzinfo
    small_cell_min: int = 10
    services: Mapping[str, str] = {}
    levels: Mapping[str, ServiceLevel] = {}

    def pick(self, words: Words) -> str:
        """The text in the reader's language."""
        return words.fr if self.lang == "fr" else words.en

    def number(self, value: float) -> str:
        """A whole number."""
        return format_decimal(round(value), locale=self._locale)

    def times(self, value: float) -> str:
        """A factor, with one decimal below 10."""
        return format_decimal(value, format="0.#" if value < 10 else "#,##0", locale=self._locale)

    def percent(self, share: float) -> str:
        """A share."""
        pattern = self._locale.percent_formats[None].pattern
        return format_percent(
            share, format=pattern.replace("0", "0.#") if share > 0.99 else pattern, locale=self._locale
        )

    def moment(self, instant_us: int, now_us: int) -> str:
        """A clock time; with its date when that is further away than a day."""
        moment = from_us(instant_us).astimezone(self.zone)
        if abs(now_us - instant_us) < DAY_US:
            return format_time(moment, "short", locale=self._locale)
        return format_datetime(moment, self.pick(_DATE_AND_TIME), locale=self._locale)

    def count(self, value: float) -> str:
        """A count of people or of what they met."""
        if 0 < value < self.small_cell_min:
            return self.pick(_FEWER).format(minimum=self.small_cell_min)
        return self.number(value)

    def usual(self, value: float, hardly_any: Words) -> str:
        """An average of the past. hardly_any: what is said of one that may come from too few; in French it has a gender."""
        if value < self.small_cell_min / _LEAST_WEEKS:
            return self.pick(hardly_any)
        return self.pick(_ABOUT).format(number=self.number(value))

    @property
    def _locale(self) -> Locale:
        return _LOCALES["fr" if self.lang == "fr" else "en"]


_FEWER: Final = Words(fr="moins de {minimum}", en="fewer than {minimum}")
_NO_DIFFICULTY: Final = Words(fr="presque aucune", en="hardly any")
_NO_EVENT: Final = Words(fr="presque aucun", en="hardly any")
_ABOUT: Final = Words(fr="environ {number}", en="about {number}")
_DATE_AND_TIME: Final = Words(fr="'le' d MMMM 'à' HH:mm", en="d MMMM, HH:mm")
_ANY_RULE: Final = Words(fr="difficultés de toute sorte", en="difficulties of any kind")
_ANYWHERE: Final = Words(fr="toutes les démarches", en="all services")
_PLACE: Final = Words(fr="territoire {territory}", en="territory {territory}")
_ALONE: Final = Words(fr="{subject} : {sentence}", en="{subject}: {sentence}")
_HOURS: Final = Words(fr="{number} heures", en="{number} hours")
_LONGEST_IN_HOURS_S: Final = 3 * 86_400

_RISE: Final = Words(
    fr="{observed} difficultés relevées en {window}, {citizens} personnes touchées, contre {usual} d'habitude {same}{ratio}.",
    en="{observed} difficulties noted within {window}, {citizens} people affected, where {usual} are usual {same}{ratio}.",
)
_FEW: Final = Words(
    fr="{citizens} personnes touchées en {window}, contre {usual} d'habitude {same}.",
    en="{citizens} people affected within {window}, where {usual} are usual {same}.",
)
_SAME_TIME: Final = Words(fr="au même moment de la semaine", en="at this time of the week")
_RATIO: Final = Words(fr=", soit {times} fois plus", en=": {times} times as many")
_THRESHOLD: Final = Words(
    fr="{citizens} personnes touchées en {window} ; le seuil {name} est fixé à {limit}.",
    en="{citizens} people affected within {window}; the threshold {name} is set at {limit}.",
)
_LEVEL: Final = Words(
    fr="sur {total} {things} en {window}, {kept} {done}, au lieu des {announced} annoncés.",
    en="{kept} of {total} {things} within {window} {done}, instead of the {announced} announced.",
)
_FEW_MISSED: Final = Words(
    fr="sur les {things} en {window}, {share} {done}, au lieu des {announced} annoncés ; {missed} en défaut.",
    en="{share} of {things} within {window} {done}, instead of the {announced} announced; {missed} missed.",
)
_AND_SHARE: Final = Words(fr="{kept}, soit {share},", en="{kept} ({share})")
_CALLS: Final = Words(fr="appels", en="calls")
_CONTACTS: Final = Words(fr="contacts", en="contacts")
_DATES: Final = Words(fr="échéances", en="announced dates")
_ANYTHING: Final = Words(fr="contacts ou échéances", en="contacts or dates")
_DONE: Final[Mapping[str, Words]] = {
    "answered_in_time": Words(fr="pris en charge en {within} au plus", en="were answered within {within}"),
    "answered_by_person": Words(fr="pris par une personne", en="were answered by a person"),
    "due_kept": Words(fr="à temps", en="were kept"),
    "": Words(fr="comme annoncé", en="were as announced"),
}
"""What became of those that a service level counts, by its kind; '' where that is not known. No French word agrees with a number."""
_SILENCE: Final = Words(
    fr="plus aucun événement reçu depuis {since}, contre {usual} d'habitude sur une telle durée.",
    en="no event received since {since}, where {usual} are usual over such a time.",
)
_REJECTS: Final = Words(
    fr="{observed} événements refusés en {window}, contre {usual} d'habitude à cette heure de la journée.",
    en="{observed} events refused within {window}, where {usual} are usual at this time of day.",
)
_LAG: Final = Words(
    fr="{behind} de retard (toléré : {limit}) ; ce qui se passe maintenant n'est pas encore visible.",
    en="{behind} behind (accepted: {limit}); what happens now cannot be seen yet.",
)
_OVER: Final = Words(
    fr="Plus rien de tel n'est relevé depuis {since} ; ce qui a suivi dure encore.",
    en="Nothing like it has been found since {since}; what followed still lasts.",
)

_SUBJECTS: Final[Mapping[Condition, str]] = {
    "rise": "{rule}, {where}",
    "threshold": "{rule}, {where}",
    "service_level": "{kind} {name}, {where}",
    "silence": "{kind}, {where}",
    "rejects": "{kind} {name}",
    "lag": "{kind} {name}",
}
"""What the sentence is about, where no title and place stand above it."""
_KINDS: Final[Mapping[Condition, Words]] = {
    "service_level": Words(fr="Niveau de service", en="Service level"),
    "silence": Words(fr="Silence", en="Silence"),
    "rejects": Words(fr="Source", en="Source"),
    "lag": Words(fr="Flux", en="Stream"),
}


def explain(finding: Finding, reader: Reader, *, alone: bool = True) -> str:
    """The sentence of a finding. `reader.zone` is the time zone in which clock times are told.

    alone: it begins with what and where; else it is read below a title and a place that say so.
    """
    sentence = _SENTENCES[finding.series.condition](finding, reader)
    if alone:
        kind = _KINDS.get(finding.series.condition)
        named = {"kind": reader.pick(kind) if kind else "", **_values(finding, reader)}
        subject = _SUBJECTS[finding.series.condition].format(**named)
        sentence = reader.pick(_ALONE).format(subject=subject, sentence=sentence)
    return typeset(sentence[0].upper() + sentence[1:], reader.lang)


def say_it_is_over(finding: Finding, now_us: int, reader: Reader) -> str:
    """A sentence to add where what names an alert is not found any more, and what followed from it is."""
    return typeset(reader.pick(_OVER).format(since=reader.moment(finding.to_us, now_us)), reader.lang)


def where(series: Series, reader: Reader) -> str:
    """The place of a series in words: service, channel, territory."""
    service = reader.services.get(series.service, series.service) or reader.pick(_ANYWHERE)
    parts = [service, by_channel(series.channel, reader.lang) if series.channel else ""]
    parts.append(reader.pick(_PLACE).format(territory=series.territory) if series.territory else "")
    return ", ".join(part for part in parts if part)


def window_of(finding: Finding, lang: str) -> str:
    """The length of its window: days that are no more than three in hours, since they begin at any hour."""
    seconds = (finding.to_us - finding.from_us) // SECOND_US
    if DAY_US // SECOND_US <= seconds <= _LONGEST_IN_HOURS_S and seconds % 3_600 == 0:
        return (_HOURS.fr if lang == "fr" else _HOURS.en).format(number=seconds // 3_600)
    return duration(seconds, lang)


def _rule(series: Series, reader: Reader) -> str:
    declared = DECLARATIONS.get(series.rule)
    title = series.rule if declared is None else reader.pick(declared.title)
    return quoted(title, reader.lang) if title else reader.pick(_ANY_RULE)


def _values(finding: Finding, reader: Reader) -> dict[str, str]:
    series = finding.series
    return {
        "rule": _rule(series, reader),
        "where": where(series, reader),
        "window": window_of(finding, reader.lang),
        "name": quoted(series.name, reader.lang),
        "citizens": reader.count(finding.citizens or 0),
    }


def _rise(finding: Finding, reader: Reader) -> str:
    expected = finding.expected or 0.0
    least = reader.small_cell_min
    told = finding.observed >= least and expected >= least / _LEAST_WEEKS
    few = 0 < finding.observed < least or 0 < (finding.citizens or 0) < least
    return reader.pick(_FEW if few else _RISE).format(
        **_values(finding, reader),
        observed=reader.count(finding.observed),
        usual=reader.usual(expected, _NO_DIFFICULTY),
        same=reader.pick(_SAME_TIME),
        ratio=reader.pick(_RATIO).format(times=reader.times(finding.observed / expected)) if told else "",
    )


def _threshold(finding: Finding, reader: Reader) -> str:
    return reader.pick(_THRESHOLD).format(**_values(finding, reader), limit=reader.number(finding.expected or 0))


def counted_by_level(finding: Finding) -> tuple[int, int]:
    """Of a service level: how many contacts were kept, and of how many; (0, 0) where none was missed. The share says it."""
    share, missed = finding.observed, finding.citizens or 0
    total = round(missed / (1 - share)) if share < 1 else 0
    return total - missed, total


def _level(finding: Finding, reader: Reader) -> str:
    """How many of how many. Where those missed are few, their share is told instead: the two numbers would tell how few."""
    level, share, missed = reader.levels.get(finding.series.name), finding.observed, finding.citizens or 0
    kept, total = counted_by_level(finding)
    few_missed = not total or missed < max(1, reader.small_cell_min)
    told = reader.percent(share)
    number = reader.count(kept)
    if kept >= max(1, reader.small_cell_min):
        number = reader.pick(_AND_SHARE).format(kept=number, share=told)
    done = reader.pick(_DONE["" if level is None else level.kind])
    return reader.pick(_FEW_MISSED if few_missed else _LEVEL).format(
        window=window_of(finding, reader.lang),
        total=reader.number(total),
        things=reader.pick(_things(level)),
        kept=number,
        share=told,
        done=done.format(within=duration((level.within_s if level else None) or 0, reader.lang)),
        announced=reader.percent(finding.expected or 0),
        missed=reader.count(missed),
    )


def _things(level: ServiceLevel | None) -> Words:
    """What a service level counts."""
    if level is None:
        return _ANYTHING
    if level.kind == "due_kept":
        return _DATES
    return _CALLS if level.kind == "answered_by_person" or level.channel == "phone" else _CONTACTS


def _silence(finding: Finding, reader: Reader) -> str:
    return reader.pick(_SILENCE).format(
        since=reader.moment(finding.since_us, finding.to_us), usual=reader.usual(finding.expected or 0, _NO_EVENT)
    )


def _rejects(finding: Finding, reader: Reader) -> str:
    return reader.pick(_REJECTS).format(
        window=window_of(finding, reader.lang),
        observed=reader.number(finding.observed),
        usual=reader.usual(finding.expected or 0, _NO_EVENT),
    )


def _lag(finding: Finding, reader: Reader) -> str:
    return reader.pick(_LAG).format(
        behind=duration(finding.observed, reader.lang), limit=duration(finding.expected or 0, reader.lang)
    )


_SENTENCES: Final[Mapping[Condition, Callable[[Finding, Reader], str]]] = {
    "rise": _rise,
    "threshold": _threshold,
    "service_level": _level,
    "silence": _silence,
    "rejects": _rejects,
    "lag": _lag,
}
