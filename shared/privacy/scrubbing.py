"""Free text without what identifies a person: e-mail addresses, telephone, social security and bank numbers.

Patterns are looked for in a *plain* copy of the text, of the same length, in which every kind of digit, space and dash is
the ASCII one. Each pattern is anchored or bounded, so the time grows with the length of the text only. Where a number can
be read in two ways, privacy comes before the number.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from shared.privacy.check_digits import IBAN_LENGTHS, LONGEST_IBAN, SHORTEST_IBAN, is_card, is_iban, is_nir, is_rib
from shared.privacy.number_runs import find_numbers

EMAIL: Final = "[e-mail]"
PHONE: Final = "[phone]"
NIR: Final = "[nir]"
BANK: Final = "[bank]"


class Finding(NamedTuple):
    """A stretch of the text, and the tag that stands for it."""

    start: int
    end: int
    tag: str


_WORTH_A_LOOK: Final = re.compile(r"[@＠﹫\d]")
_NOT_PLAIN: Final = re.compile(r"[^\x00-\x7f\u00c0-\u024f]")
_INVISIBLE: Final = "\x7f"
_TAKEN: Final = "\x00"
_PLAIN: Final = {"·": ".", "•": ".", "‧": ".", "∙": ".", "。": ".", "−": "-", "∕": "/", "⁄": "/"}
_SPACES: Final = {"Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-", "Cf": _INVISIBLE, "Mn": _INVISIBLE, "Me": _INVISIBLE}

_GAP: Final = r"[\s.\-/_\x7f]{0,2}"
_LOCAL: Final = r"""[^\s@<>()\[\]{},;:"\\/=?%|\x00]"""
_LABEL: Final = r"[\w\-\x7f]"
_DOMAIN: Final = rf"{_LABEL}++(?:\.{_LABEL}++)*"
_ADDRESS: Final = re.compile(
    rf"(?<!{_LOCAL}){_LOCAL}++(?:@|%40)(?=[^\W\d_]|{_LABEL}++\.{_LABEL}){_DOMAIN}(?:@{_DOMAIN})*"
)
_SPACED_ADDRESS: Final = re.compile(rf"(?<!{_LOCAL}){_LOCAL}++[ \t]{{0,2}}@[ \t]{{0,2}}{_LABEL}++(?:\.{_LABEL}++)+")
_IBAN: Final = re.compile(rf"[A-Za-z]{{2}}{_GAP}\d\d(?:{_GAP}[A-Za-z0-9]){{{SHORTEST_IBAN - 4},{LONGEST_IBAN - 4}}}")
_RIB: Final = re.compile(rf"(?<![A-Za-z0-9])\d{{5}}{_GAP}\d{{5}}{_GAP}[A-Za-z0-9]{{11}}{_GAP}\d\d(?![A-Za-z0-9])")
_NIR: Final = re.compile(
    rf"(?<![A-Za-z0-9])(?P<number>[1-478]{_GAP}\d\d{_GAP}(?P<month>0[1-9]|1[0-2]|[2-9]\d){_GAP}(?:\d\d|2[ABab]){_GAP}"
    rf"\d{{3}}{_GAP}\d{{3}})(?:(?P<gap>[\s.\-/_\x7f]{{0,3}})(?P<key>\d\d))?(?![A-Za-z0-9])"
)
_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9]")
_DIGIT: Final = re.compile(r"\d")
_FEWEST_DIGITS: Final = 9
"""No number that is looked for has fewer."""
_MIN_IBAN_DIGITS: Final = 10
_POSTCODE_AND_PHONE: Final = ([5, 10], [5, 8])


def scrub(text: str) -> str:
    """The text with `[e-mail]`, `[phone]`, `[nir]` and `[bank]` in the place of what identifies a person.

    Names and addresses of places stay: no pattern tells them from other words.
    """
    if not _WORTH_A_LOOK.search(text):
        return text
    plain = text if text.isascii() else _NOT_PLAIN.sub(_plain_match, text)
    findings: list[Finding] = []
    few_digits = len(_DIGIT.findall(plain)) < _FEWEST_DIGITS
    for find in _ADDRESS_FINDERS if few_digits else _FINDERS:
        found = list(find(plain))
        if found:
            plain = _replace(plain, [Finding(start, end, _TAKEN * (end - start)) for start, end, _ in found])
            findings += found
    return _replace(text, sorted(findings)) if findings else text


def _replace(text: str, findings: list[Finding]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, tag in findings:
        pieces += (text[done:start], tag)
        done = end
    return "".join((*pieces, text[done:]))


def _plain_match(match: re.Match[str]) -> str:
    return _plain(match[0])


@lru_cache(maxsize=4_096)
def _plain(char: str) -> str:
    """One character for one: the ASCII digit, space, dash or letter it stands for, if any."""
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    known = _PLAIN.get(char) or _SPACES.get(unicodedata.category(char))
    if known:
        return known
    compatible = unicodedata.normalize("NFKC", char)
    return compatible if len(compatible) == 1 and compatible.isascii() else char


def _find_addresses(plain: str) -> Iterator[Finding]:
    if "@" in plain or "%40" in plain:
        yield from (Finding(*match.span(), EMAIL) for match in _ADDRESS.finditer(plain))


def _find_spaced_addresses(plain: str) -> Iterator[Finding]:
    if "@" in plain:
        yield from (Finding(*match.span(), EMAIL) for match in _SPACED_ADDRESS.finditer(plain))


def _each(pattern: re.Pattern[str], plain: str, judge: Callable[[re.Match[str]], Finding | None]) -> Iterator[Finding]:
    """Candidates of a pattern that pass the judge; one that fails hides none that starts within it."""
    match = pattern.search(plain)
    while match:
        finding = judge(match)
        if finding:
            yield finding
        match = pattern.search(plain, finding.end if finding else match.start() + 1)


def _find_ibans(plain: str) -> Iterator[Finding]:
    return _each(_IBAN, plain, _judge_iban)


def _judge_iban(match: re.Match[str]) -> Finding | None:
    """An IBAN whose check digits hold, or else one that is written like one: in capitals, of its country's length."""
    places = [found.start() for found in _ALPHANUMERIC.finditer(match[0])]
    compact = "".join(match[0][place] for place in places).upper()
    length = IBAN_LENGTHS.get(compact[:2])
    # Of a country that is not in the table any length will do, but then the number must be a word of its own.
    for candidate in [length] if length else range(len(compact), SHORTEST_IBAN - 1, -1):
        if candidate > len(compact):
            continue
        end = match.start() + places[candidate - 1] + 1
        alone = _stands_alone(match.string, match.start(), end)
        certain = (length is not None or alone) and is_iban(compact[:candidate])
        if certain or (length is not None and alone and _looks_like_iban(match[0], compact[:candidate])):
            return Finding(match.start(), end, BANK)
    return None


def _looks_like_iban(written: str, compact: str) -> bool:
    head = written[:4]
    return head.isalnum() and head.isupper() and sum(char.isdigit() for char in compact) >= _MIN_IBAN_DIGITS


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not _ALPHANUMERIC.match(text[start - 1 : start]) and not _ALPHANUMERIC.match(text[end : end + 1])


def _find_ribs(plain: str) -> Iterator[Finding]:
    return _each(_RIB, plain, _judge_rib)


def _judge_rib(match: re.Match[str]) -> Finding | None:
    compact = _compact(match[0])
    written_apart = len(match[0]) >= len(compact) + 3
    return Finding(*match.span(), BANK) if written_apart or is_rib(compact) else None


def _find_nirs(plain: str) -> Iterator[Finding]:
    return _each(_NIR, plain, _judge_nir)


def _judge_nir(match: re.Match[str]) -> Finding | None:
    """A social security number whose key holds, or else one with a month of birth; a wrong key written apart is no key."""
    number, key = _compact(match["number"]), match["key"] or ""
    if key and is_nir(number + key):
        return Finding(*match.span(), NIR)
    sizes = [len(group) for group in re.findall(r"\d+", match[0])]
    if not "01" <= match["month"] <= "12" or is_card(number + key) or sizes in _POSTCODE_AND_PHONE:
        return None
    return Finding(match.start(), match.end("number" if match["gap"] else 0), NIR)


def _compact(text: str) -> str:
    return "".join(_ALPHANUMERIC.findall(text)).upper()


def _find_runs(plain: str) -> Iterator[Finding]:
    tags = {"phone": PHONE, "nir": NIR, "card": BANK}
    return (Finding(start, end, tags[kind]) for start, end, kind in find_numbers(plain))


_ADDRESS_FINDERS: Final = (_find_addresses, _find_spaced_addresses)
_FINDERS: Final = (*_ADDRESS_FINDERS, _find_ibans, _find_ribs, _find_nirs, _find_runs)
