"""How identifying numbers check themselves: IBAN (ISO 13616), French RIB and NIR, payment cards (ISO/IEC 7812).

All functions take compact texts: digits and upper-case ASCII letters, no separators.
"""

from string import ascii_uppercase
from typing import Final

# Lengths of the IBAN registry, by country.
IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
SHORTEST_IBAN: Final = 15
LONGEST_IBAN: Final = 34

_IBAN_DIGITS: Final = str.maketrans({letter: str(value) for value, letter in enumerate(ascii_uppercase, start=10)})
_RIB_DIGITS: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_CARD_STARTS: Final = {
    13: ("4",),
    14: ("30", "36", "38", "39"),
    15: ("34", "37"),
    16: ("2", "35", "36", "38", "4", "5", "6"),
    17: ("5", "6"),
    18: ("5", "6"),
    19: ("4", "5", "6"),
}
CARD_LENGTHS: Final = (16, 19, 18, 17, 15, 14, 13)
"""The usual one first: what follows a card is often its code."""


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN hold (ISO 7064, modulo 97)."""
    return int((text[4:] + text[:4]).translate(_IBAN_DIGITS)) % 97 == 1


def is_rib(text: str) -> bool:
    """Whether 23 characters (bank 5, branch 5, account 11, key 2) have the key of a French RIB."""
    digits = text.translate(_RIB_DIGITS)
    return (89 * int(digits[:5]) + 15 * int(digits[5:10]) + 3 * int(digits[10:21]) + int(digits[21:])) % 97 == 0


def is_nir(text: str) -> bool:
    """Whether 13 characters and a key of 2 are a French social security number; 2A and 2B count as 19 and 18."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(text[13:])


def is_card(digits: str) -> bool:
    """Whether the digits are a payment card's: a known start for their length, and Luhn's check digit."""
    if not digits.startswith(_CARD_STARTS.get(len(digits), ("-",))):
        return False
    total = sum(int(digit) for digit in digits[::-2]) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0
