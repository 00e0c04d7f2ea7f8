"""Telephone numbers, payment cards and social security numbers in runs of digits with blanks, dots or dashes between.

A run is cut into groups (`06 12 34 56 78` has five); a number is one or more whole groups, so that it is found beside other
numbers without taking them along.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from shared.privacy.check_digits import CARD_LENGTHS, is_card, is_nir

NumberKind = Literal["phone", "nir", "card"]

_RUN: Final = re.compile(r"(?P<plus>\+[\s(\x7f]{0,2})?\d(?:[\s.\-/()_\x7f]{0,3}\d){8,}")
_GROUP: Final = re.compile(r"\d+")
_FULL_DATE: Final = re.compile(r"(?<!\d[-./])(?:0?[1-9]|[12]\d|3[01])([-./])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d(?!\d)")

_MAX_DIGITS: Final = 19
_MAX_GROUPS: Final = 12
_NIR_DIGITS: Final = 15
_FRENCH_DIGITS: Final = 10
_MIN_INTERNATIONAL: Final = 9
_MAX_INTERNATIONAL: Final = 15  # ITU-T E.164

# National numbers of other countries are told by how they are written; the first digits they may have come with them.
_SHAPES: Final = {
    (2, 3, 2, 2): "0",
    (3, 2, 2, 2): "0",
    (3, 4, 4): "0",
    (4, 3, 4): "0",
    (5, 3, 3): "0",
    (5, 6): "0",
    (3, 3, 4): "23456789",
    (1, 3, 3, 4): "1",
    (1, 2, 2, 2, 2): "67",
}


class FoundNumber(NamedTuple):
    """Where a number stands, and what it is."""

    start: int
    end: int
    kind: NumberKind


class _Group(NamedTuple):
    """Digits without a separator; `date_groups` is how many groups the date takes that starts with it."""

    start: int
    end: int
    date_groups: int


class _Window(NamedTuple):
    """The groups from one on: how many digits each takes, all their digits, and which group ends after so many digits."""

    sizes: Sequence[int]
    digits: str
    group_ends: dict[int, int]


def find_numbers(plain: str) -> Iterator[FoundNumber]:
    """The numbers in a text whose digits and separators are ASCII, from left to right, not overlapping."""
    for run in _RUN.finditer(plain):
        yield from _find_in_run(plain, run)


def _find_in_run(plain: str, run: re.Match[str]) -> Iterator[FoundNumber]:
    groups = [_Group(*span, _date_groups(plain, span[0])) for span in map(re.Match.span, _groups_of(plain, run))]
    first = 0
    while first < len(groups):
        group = groups[first]
        if group.date_groups:
            first += group.date_groups
            continue
        plus = first == 0 and run["plus"] is not None
        decimal = plain[group.end : group.end + 1] == "."
        kind, taken = _judge(_window(plain, groups, first), plus=plus, decimal=decimal)
        if kind:
            yield _found(plain, run.start() if plus else group.start, groups[first + taken - 1].end, kind)
        first += max(taken, 1)


def _groups_of(plain: str, run: re.Match[str]) -> Iterator[re.Match[str]]:
    return _GROUP.finditer(plain, *run.span())


def _date_groups(plain: str, start: int) -> int:
    """How many groups the date that starts here takes: 3, or 0 where there is none."""
    return 3 if _FULL_DATE.match(plain, start) else 0


def _window(plain: str, groups: Sequence[_Group], first: int) -> _Window:
    sizes: list[int] = []
    ends: dict[int, int] = {}
    total = 0
    for group in groups[first : first + _MAX_GROUPS]:
        total += group.end - group.start
        if total > _MAX_DIGITS or group.date_groups:
            break
        sizes.append(group.end - group.start)
        ends[total] = len(sizes)
    digits = "".join(plain[group.start : group.end] for group in groups[first : first + len(sizes)])
    return _Window(sizes, digits, ends)


def _found(plain: str, start: int, end: int, kind: NumberKind) -> FoundNumber:
    """A parenthesis that the number closes itself belongs to it."""
    inside = plain[start:end]
    opened_before = plain[start - 1 : start] == "(" and inside.count(")") > inside.count("(")
    return FoundNumber(start - opened_before, end, kind)


def _judge(window: _Window, *, plus: bool, decimal: bool) -> tuple[NumberKind | None, int]:
    """What the window starts with, and how many groups that takes."""
    if plus:
        taken = _international(window, 0)
        return ("phone", taken) if taken else (None, 0)
    for length in CARD_LENGTHS:
        if length in window.group_ends and is_card(window.digits[:length]):
            return "card", window.group_ends[length]
    if _NIR_DIGITS in window.group_ends and window.digits[0] in "123478" and is_nir(window.digits[:_NIR_DIGITS]):
        return "nir", window.group_ends[_NIR_DIGITS]
    taken = _telephone(window, decimal=decimal)
    return ("phone", taken) if taken else (None, 0)


def _telephone(window: _Window, *, decimal: bool) -> int:
    """How many groups a number without `+` takes: French, with 00 or 33 before it, or of another country's shape."""
    digits, ends = window.digits, window.group_ends
    if digits.startswith("00"):
        return _international(window, 2)
    if digits.startswith("33"):
        taken = _french_abroad(window, 0)
        if taken:
            return taken
    zero_point = decimal and window.sizes[:1] == [1]
    if digits.startswith("0") and not zero_point and _FRENCH_DIGITS in ends:
        return ends[_FRENCH_DIGITS]
    for shape, starts in _SHAPES.items():
        if tuple(window.sizes[: len(shape)]) == shape and digits[0] in starts:
            return len(shape)
    return 0


def _international(window: _Window, prefix: int) -> int:
    """How many groups a number with a country code takes, which stands after `prefix` digits."""
    digits = window.digits[prefix:]
    if not digits or digits[0] == "0":
        return 0
    exact = _french_abroad(window, prefix) or (digits[0] == "1" and window.group_ends.get(prefix + 11)) or 0
    longest = range(prefix + _MAX_INTERNATIONAL, prefix + _MIN_INTERNATIONAL - 1, -1)
    return exact or next((window.group_ends[total] for total in longest if total in window.group_ends), 0)


def _french_abroad(window: _Window, prefix: int) -> int:
    """How many groups 33 and nine digits take, or 33, (0) and nine digits."""
    digits = window.digits[prefix:]
    if not digits.startswith("33"):
        return 0
    total = prefix + (12 if digits[2:3] == "0" else 11)
    return window.group_ends.get(total, 0)
