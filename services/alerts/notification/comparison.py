"""What an alert is compared with, in words, and what of it may be shown."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct, structs

from services.alerts.explanation import counted_by_level, window_of
from shared.alerts.finding import Condition, Finding
from shared.detection.declarations.declaration import Words
from shared.detection.wording import duration, number, typeset
from shared.journey.instants import to_text
from shared.privacy.small_cells import suppress

_COUNTS_PEOPLE: Final = frozenset({"rise", "threshold"})
_LEAST_WEEKS: Final = 3
"""An average of past weeks is shown where so many of them make it come from no fewer people than may be shown."""


class Comparison(Struct, frozen=True, kw_only=True):
    """What was observed in a window (RFC 3339) and what was expected there. withheld: it is about so few that it is not shown."""

    observed: float | None
    expected: float | None
    withheld: bool
    begin: str
    end: str
    text: Words


_Say = Callable[[Finding, str], str]


def compared(finding: Finding, small_cell_min: int) -> Comparison:
    """What a finding is compared with."""
    withheld = _is_small(finding, small_cell_min)
    finding = structs.replace(finding, expected=_shown_expected(finding, small_cell_min))
    return Comparison(
        observed=None if withheld else finding.observed,
        expected=None if withheld else finding.expected,
        withheld=withheld,
        begin=to_text(finding.from_us),
        end=to_text(finding.to_us),
        text=Words(
            fr=_text(finding, small_cell_min, withheld, "fr"), en=_text(finding, small_cell_min, withheld, "en")
        ),
    )


def _is_small(finding: Finding, minimum: int) -> bool:
    """Whether the figures are counts of so few people that they are not shown, or a share that tells of how few."""
    if finding.series.condition == "service_level":
        return _kept_few(finding, minimum)
    if finding.series.condition not in _COUNTS_PEOPLE:
        return False
    few = finding.citizens is not None and suppress(finding.citizens, minimum) is None
    return few or 0 < finding.observed < minimum


def _kept_few(finding: Finding, minimum: int) -> bool:
    """Whether so few were kept; the sentence of the alert tells of how many in all. Where few were missed, it does not."""
    kept, total = counted_by_level(finding)
    return total - kept >= minimum and 0 < kept < minimum


def _shown_expected(finding: Finding, minimum: int) -> float | None:
    """What was expected, unless that is an average which may come from so few people."""
    if finding.series.condition == "rise" and (finding.expected or 0) < minimum / _LEAST_WEEKS:
        return None
    return finding.expected


def _text(finding: Finding, minimum: int, withheld: bool, lang: str) -> str:
    if withheld and finding.series.condition == "service_level":
        words = {
            "fr": f"Moins de {minimum} tenus en {window_of(finding, lang)} : la part n'est pas montrée.",
            "en": f"Fewer than {minimum} kept in {window_of(finding, lang)}: the share is not shown.",
        }
        return typeset(words["fr" if lang == "fr" else "en"], lang)
    if withheld:
        words = {
            "fr": f"Moins de {minimum} personnes touchées en {window_of(finding, lang)} : les chiffres ne sont pas montrés.",
            "en": f"Fewer than {minimum} people affected in {window_of(finding, lang)}: the figures are not shown.",
        }
        return typeset(words["fr" if lang == "fr" else "en"], lang)
    return typeset(_SAYINGS[finding.series.condition](finding, lang), lang)


def _rise(finding: Finding, lang: str) -> str:
    seen, window = number(finding.observed, lang), window_of(finding, lang)
    if finding.expected is None:
        usual = "presque aucune" if lang == "fr" else "hardly any"
    else:
        usual = number(round(finding.expected, 1), lang)
    if lang == "fr":
        return f"Difficultés relevées en {window} : {seen}, contre {usual} d'habitude, d'après les semaines passées."
    return f"Difficulties noted in {window}: {seen}, against {usual} expected from past weeks."


def _threshold(finding: Finding, lang: str) -> str:
    seen, window = number(finding.observed, lang), window_of(finding, lang)
    limit = "" if finding.expected is None else number(finding.expected, lang)
    if lang == "fr":
        return f"Personnes touchées en {window} : {seen}{f', pour un seuil de {limit}' if limit else ''}."
    return f"People affected in {window}: {seen}{f', for a threshold of {limit}' if limit else ''}."


def _service_level(finding: Finding, lang: str) -> str:
    seen, window = _share(finding.observed, lang), window_of(finding, lang)
    if finding.expected is None:
        return (
            f"{seen} en {window}, sous l'objectif fixé." if lang == "fr" else f"{seen} in {window}, below the target."
        )
    target = _share(finding.expected, lang)
    if lang == "fr":
        return f"{seen} en {window}, pour un objectif de {target}."
    return f"{seen} in {window}, for a target of {target}."


def _share(value: float, lang: str) -> str:
    return f"{number(round(100 * value, 1), lang)} %" if lang == "fr" else f"{number(round(100 * value, 1), lang)}%"


def _silence(finding: Finding, lang: str) -> str:
    seen, window = number(finding.observed, lang), window_of(finding, lang)
    usual = "" if finding.expected is None else number(round(finding.expected, 1), lang)
    if lang == "fr":
        rest = f", contre {usual} attendus" if usual else ""
        return f"Événements reçus en {window} : {seen}{rest}."
    return f"Events received in {window}: {seen}{f', against {usual} expected' if usual else ''}."


def _rejects(finding: Finding, lang: str) -> str:
    seen, window = number(finding.observed, lang), window_of(finding, lang)
    usual = "" if finding.expected is None else number(round(finding.expected, 1), lang)
    if lang == "fr":
        return f"Événements refusés en {window} : {seen}{f', contre {usual} attendus' if usual else ''}."
    return f"Events refused in {window}: {seen}{f', against {usual} expected' if usual else ''}."


def _lag(finding: Finding, lang: str) -> str:
    late = duration(finding.observed, lang)
    limit = "" if finding.expected is None else duration(finding.expected, lang)
    if lang == "fr":
        return f"Retard sur les événements reçus : {late}{f' (toléré : {limit})' if limit else ''}."
    return f"Behind the events received by {late}{f' (accepted: {limit})' if limit else ''}."


_SAYINGS: Final[Mapping[Condition, _Say]] = {
    "rise": _rise,
    "threshold": _threshold,
    "service_level": _service_level,
    "silence": _silence,
    "rejects": _rejects,
    "lag": _lag,
}
