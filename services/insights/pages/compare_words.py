"""Differences in words and signed numbers, as the pages that compare write them."""

from collections.abc import Callable

from services.insights.figures.compare_cohorts import WITHOUT, Cohort
from services.insights.filters import Filters
from services.insights.language import N_, Language
from shared.detection.register import DECLARATIONS
from shared.detection.sentences import channel_name

_MINUS = "\u2212"
_NO_BREAK = "\u00a0"


def signed(value: float, language: Language) -> str:
    """A number with its sign: `+3.2`, `−0.4`; one decimal."""
    text = language.rate(abs(value))
    if text == language.rate(0.0):
        return text
    return f"{'+' if value > 0 else _MINUS}{text}"


def points_in(language: Language) -> Callable[[float], str]:
    """How a difference of two shares is written: in percentage points, `+3.2 points`."""

    def points(difference: float) -> str:
        return f"{signed(100 * difference, language)}{_NO_BREAK}pt"

    return points


def part_namer(language: Language, others: str) -> Callable[[str, bool], str]:
    """The name of a part: a channel of entry, or a territory."""

    def part_name(name: str, territory: bool) -> str:
        if name == others:
            return language.text("the others")
        if territory:
            return name or language.text("no territory")
        return channel_name(name, language.code) if name else language.text("no channel")

    return part_name


def cohort_words(cohort: Cohort, usual: Filters, language: Language) -> str:
    """What makes a group, where it differs from the filters of the page: `phone, fr/75, with: Long wait`."""
    filters, parts = cohort.filters, []
    if cohort.entry is not None:
        parts.append(channel_name(cohort.entry, language.code))
    if filters.territory != usual.territory and filters.territory is not None:
        parts.append(filters.territory)
    if (filters.from_us, filters.to_us) != (usual.from_us, usual.to_us):
        ends = [None if at is None else language.date(at) for at in (filters.from_us, _last(filters.to_us))]
        parts.append(" – ".join(end or "…" for end in ends))
    if cohort.rule is not None:
        title = DECLARATIONS[cohort.rule].title.in_language(language.code)
        words = N_("without: %(rule)s") if cohort.holds == WITHOUT else N_("with: %(rule)s")
        parts.append(language.text(words, {"rule": title}))
    return ", ".join(parts) or language.text(N_("all journeys"))


def _last(to_us: int | None) -> int | None:
    return None if to_us is None else to_us - 1
