"""Why an alert: one sentence, in French and English, from the figures of a finding.

Counts of people below the site's bound are told as "fewer than 10", and an average that may come from as few as "hardly any".
"""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final

from babel import Locale
from babel.dates import format_datetime, format_time
from babel.numbers import format_decimal, format_percent
from msgspec import Struct

from shared.alerts.finding import Condition, Finding, Series
from shared.detection.declarations.declaration import Words
from shared.detection.register import DECLARATIONS
from shared.detection.wording import by_channel, duration, quoted, typeset
from shared.journey.instants import DAY_US, SECOND_US, from_us

_LOCALES: Final = {"fr": Locale.parse("fr_FR"), "en": Locale.parse("en_GB")}
_LEAST_WEEKS: Final = 3
"""An average is told where so many weeks make it come from no fewer people than may be shown."""


class Reader(Struct, frozen=True):
    """For whom: language (`fr`, or English), time zone, the bound of small counts, and names of services by their code."""

    lang: str
    zone: tzinfo
    small_cell_min: int = 10
    services: Mapping[str, str] = {}

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
        return format_datetime(moment, "d MMMM, HH:mm", locale=self._locale)

    def count(self, value: float) -> str:
        """A count of people or of what they met."""
        if 0 < value < self.small_cell_min:
            return self.pick(_FEWER).format(minimum=self.small_cell_min)
        return self.number(value)

    def usual(self, value: float) -> str:
        """An average of past weeks."""
        if value < self.small_cell_min / _LEAST_WEEKS:
            return self.pick(_HARDLY_ANY)
        return self.pick(_ABOUT).format(number=self.number(value))

    @property
    def _locale(self) -> Locale:
        return _LOCALES["fr" if self.lang == "fr" else "en"]


_FEWER: Final = Words(fr="moins de {minimum}", en="fewer than {minimum}")
_HARDLY_ANY: Final = Words(fr="presque rien", en="hardly any")
_ABOUT: Final = Words(fr="environ {number}", en="about {number}")
_ANY_RULE: Final = Words(fr="difficultés de toute sorte", en="troubles of any kind")
_ANYWHERE: Final = Words(fr="toutes démarches", en="all services")
_PLACE: Final = Words(fr="territoire {territory}", en="territory {territory}")

_RISE: Final = Words(
    fr="{rule}, {where} : {observed} difficultés relevées en {window}, {citizens} personnes touchées, contre {usual} "
    "d'habitude {same}{ratio}.",
    en="{rule}, {where}: {observed} troubles noted within {window}, {citizens} people affected, where {usual} would be "
    "usual {same}{ratio}.",
)
_SAME_TIME: Final = Words(fr="au même moment de la semaine", en="at this time of the week")
_RATIO: Final = Words(fr=", soit {times} fois plus", en=", which is {times} times as many")
_THRESHOLD: Final = Words(
    fr="{rule}, {where} : {citizens} personnes touchées en {window}, pour un seuil {name} fixé à {limit}.",
    en="{rule}, {where}: {citizens} people affected within {window}; the threshold {name} is set at {limit}.",
)
_LEVEL: Final = Words(
    fr="Engagement {name}, {where} : {share} tenus en {window}, pour {announced} annoncés ; {missed} contacts ou délais manqués.",
    en="Service level {name}, {where}: {share} kept within {window}, {announced} being announced; {missed} contacts or dates missed.",
)
_SILENCE: Final = Words(
    fr="Plus aucun événement reçu, {where}, depuis {since} : {usual} seraient attendus sur cette durée.",
    en="No event received, {where}, since {since}: {usual} would be expected over this time.",
)
_REJECTS: Final = Words(
    fr="Événements refusés de {name} : {observed} en {window}, contre {usual} d'habitude au même moment de la semaine.",
    en="Refused events of {name}: {observed} within {window}, where {usual} would be usual at this time of the week.",
)
_LAG: Final = Words(
    fr="Le flux {name} a {behind} de retard, pour {limit} acceptées : ce qui se passe maintenant n'est pas encore visible.",
    en="The stream {name} is {behind} behind, {limit} being accepted: what happens now cannot be seen yet.",
)


def explain(finding: Finding, reader: Reader) -> str:
    """The sentence of a finding. `reader.zone` is the time zone in which clock times are told."""
    return typeset(_SENTENCES[finding.series.condition](finding, reader), reader.lang)


def where(series: Series, reader: Reader) -> str:
    """The place of a series in words: service, channel, territory."""
    service = reader.services.get(series.service, series.service) or reader.pick(_ANYWHERE)
    parts = [service, by_channel(series.channel, reader.lang) if series.channel else ""]
    parts.append(reader.pick(_PLACE).format(territory=series.territory) if series.territory else "")
    return ", ".join(part for part in parts if part)


def _rule(series: Series, reader: Reader) -> str:
    declared = DECLARATIONS.get(series.rule)
    title = series.rule if declared is None else reader.pick(declared.title)
    return quoted(title, reader.lang) if title else reader.pick(_ANY_RULE).capitalize()


def _values(finding: Finding, reader: Reader) -> dict[str, str]:
    series = finding.series
    return {
        "rule": _rule(series, reader),
        "where": where(series, reader),
        "window": duration((finding.to_us - finding.from_us) / SECOND_US, reader.lang),
        "name": quoted(series.name, reader.lang),
        "citizens": reader.count(finding.citizens or 0),
    }


def _rise(finding: Finding, reader: Reader) -> str:
    expected = finding.expected or 0.0
    least = reader.small_cell_min
    told = finding.observed >= least and expected >= least / _LEAST_WEEKS
    return reader.pick(_RISE).format(
        **_values(finding, reader),
        observed=reader.count(finding.observed),
        usual=reader.usual(expected),
        same=reader.pick(_SAME_TIME),
        ratio=reader.pick(_RATIO).format(times=reader.times(finding.observed / expected)) if told else "",
    )


def _threshold(finding: Finding, reader: Reader) -> str:
    return reader.pick(_THRESHOLD).format(**_values(finding, reader), limit=reader.number(finding.expected or 0))


def _level(finding: Finding, reader: Reader) -> str:
    return reader.pick(_LEVEL).format(
        **_values(finding, reader),
        share=reader.percent(finding.observed),
        announced=reader.percent(finding.expected or 0),
        missed=reader.count(finding.citizens or 0),
    )


def _silence(finding: Finding, reader: Reader) -> str:
    since = reader.moment(finding.since_us, finding.to_us)
    return reader.pick(_SILENCE).format(
        **_values(finding, reader), since=since, usual=reader.usual(finding.expected or 0)
    )


def _rejects(finding: Finding, reader: Reader) -> str:
    return reader.pick(_REJECTS).format(
        **_values(finding, reader), observed=reader.number(finding.observed), usual=reader.usual(finding.expected or 0)
    )


def _lag(finding: Finding, reader: Reader) -> str:
    return reader.pick(_LAG).format(
        **_values(finding, reader),
        behind=duration(finding.observed, reader.lang),
        limit=duration(finding.expected or 0, reader.lang),
    )


_SENTENCES: Final[Mapping[Condition, Callable[[Finding, Reader], str]]] = {
    "rise": _rise,
    "threshold": _threshold,
    "service_level": _level,
    "silence": _silence,
    "rejects": _rejects,
    "lag": _lag,
}
