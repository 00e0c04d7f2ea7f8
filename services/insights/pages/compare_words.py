"""Differences in words and signed numbers, as the pages that compare write them."""

from collections.abc import Callable

from services.insights.language import Language
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
