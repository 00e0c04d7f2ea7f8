"""Scrubbing free text."""

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.privacy.check_digits import IBAN_LENGTHS, is_card, is_iban, is_nir, is_rib
from shared.privacy.scrubbing import scrub

PHONES = [
    "0612345678",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "06-12-34-56-78",
    "06/12/34/56/78",
    "06_12_34_56_78",
    "06  12 34  56 78",
    "06 - 12 - 34 - 56 - 78",
    "0612 345 678",
    "0 800 12 34 56",
    "01 01 01 1900",
    "01.01.01.2024",
    "6 12 34 56 78",
    "(06) 12 34 56 78",
    "06 12\n34 56 78",
    "06\u00a012\u00a034\u00a056\u00a078",
    "06\u202f12\u202f34\u202f56\u202f78",
    "06\u201112\u201134\u201156\u201178",
    "06·12·34·56·78",
    "0\u200b612345678",
    "٠٦ ١٢ ٣٤ ٥٦ ٧٨",
    "０６１２３４５６７８",
    "+33612345678",
    "+33 6 12 34 56 78",
    "+33 (0)6 12 34 56 78",
    "+33(0)612345678",
    "(+33) 6 12 34 56 78",
    "+ 33 6 12 34 56 78",
    "+33.6.12.34.56.78",
    "0033 6 12 34 56 78",
    "0033612345678",
    "00 33 (0)6 12 34 56 78",
    "33 6 12 34 56 78",
    "33612345678",
    "+1 816 513 1313",
    "+1 (816) 513-1313",
    "(816) 513-1313",
    "816-513-1313",
    "1-816-513-1313",
    "+32 470 12 34 56",
    "0470 12 34 56",
    "02 123 45 67",
    "+41 79 123 45 67",
    "+49 30 12345678",
    "+44 20 7946 0018",
    "020 7946 0018",
    "+213 21 12 34 56",
    "00352 27 12 34",
]
ADDRESSES = [
    "jean@exemple.fr",
    "Jean.DUPONT+mairie@sous-domaine.exemple.gouv.fr",
    "élodie.müller@mairie-orléans.fr",
    "jean_dupont@localhost",
    "jean @ exemple.fr",
    "jean@ exemple.fr",
    "jean＠exemple．fr",
    "jean%40exemple.fr",
    "o'connor@exemple.ie",
    "j\u200bean@exemple.fr",
    "0612345678@exemple.fr",
    "a" * 300 + "@exemple.fr",
    "jean@12.exemple.fr",
]
BANK_NUMBERS = [
    "FR76 3000 6000 0112 3456 7890 189",
    "FR7630006000011234567890189",
    "fr76 3000 6000 0112 3456 7890 189",
    "FR14 2004 1010 0505 0001 3M02 606",
    "FR14-2004-1010-0505-0001-3M02-606",
    "FR76 3000 6000 0112 3456 7890 188",  # a wrong digit, still somebody's
    "GB82 WEST 1234 5698 7654 32",
    "DE89 3704 0044 0532 0130 00",
    "NO93 8601 1117 947",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    "CH93 0076 2011 6238 5295 7",
    "FR76\u00a03000\u00a06000\u00a00112\u00a03456\u00a07890\u00a0189",
    "30006 00001 12345678901 89",
    "20041 01005 0500013M026 06",
    "20041010050500013M02606",
    "4111 1111 1111 1111",
    "4111111111111111",
    "4111-1111-1111-1111",
    "5500 0055 5555 5559",
    "3782 822463 10005",
    "378282246310005",
]
NIRS = [
    "1 84 12 76 451 089 46",
    "184127645108946",
    "1 84 12 76 451 089",
    "1841276451089",
    "2 69 05 49 588 157 80",
    "1 84 12 2A 451 089 33",
    "184122b451089",
    "1.84.12.76.451.089/46",
    "1 84 12 76 451 089 / 46",
    "1\u00a084\u00a012\u00a076\u00a0451\u00a0089\u00a046",
]
ORDINARY = [
    "Bonjour, personne ne répond.",
    "dossier 2007000141",
    "dossiers 2007000141, 2007000142 et 2007000143",
    "le 01/02/2024 10 h 30",
    "du 01.02.2024 - 03.04.2024",
    "du 01/02/2024 au 03/04/2024, puis 5/6/2024 12 30",
    "2024-01-02 03:04:05.678901",
    "2026-11-22T08:39:57.123456Z",
    "1 234 567,89 €",
    "3.1415926535 et 0.123456789",
    "75012 Paris, 13001 Marseille, 01000 Bourg",
    "numéro 3939 ou 15, 17, 18 et 112",
    "SIRET 732 829 320 00074, SIREN 732829320",
    "version 3.11.7",
    "guichet 4, ticket A123, 45 minutes",
    "1732264797123",
    "@mairie dit non",
    "3 personnes @ 10",
    "article L. 123-4 du code",
    "no 2007000141234",
    "48.8566, 2.3522",
]


@pytest.mark.parametrize("phone", PHONES)
def test_telephone_numbers_are_replaced(phone: str) -> None:
    """French and international numbers go whole, however they are written, and what stands beside them stays."""
    assert scrub(f"Appelez le {phone}, merci") == "Appelez le [phone], merci"
    assert scrub(phone) == "[phone]"


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_replaced(address: str) -> None:
    """E-mail addresses go whole; a full stop after them is the sentence's."""
    assert scrub(f"Écrire à : {address}.") == "Écrire à : [e-mail]."
    assert scrub(f"<{address}>") == "<[e-mail]>"


@pytest.mark.parametrize("number", BANK_NUMBERS)
def test_bank_numbers_are_replaced(number: str) -> None:
    """IBAN of any country, RIB and payment cards go, with blanks, dashes or none; the words after them stay."""
    assert scrub(f"virement de {number} merci de répondre") == "virement de [bank] merci de répondre"


@pytest.mark.parametrize("number", NIRS)
def test_social_security_numbers_are_replaced(number: str) -> None:
    """French social security numbers go, those born in Corsica too, with a key, without, and with a wrong one."""
    assert scrub(f"mon numéro {number}, svp") == "mon numéro [nir], svp"


def test_number_beside_is_not_taken_for_a_part() -> None:
    """A wrong key written apart may be another number, and the code of a card is none of its digits: both stay."""
    assert scrub("1 84 12 76 451 089 45") == "[nir] 45"
    assert scrub("184127645108945") == "[nir]"
    assert scrub("4111111111111111 110") == "[bank] 110"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_texts_stay(text: str) -> None:
    """Case numbers, dates, amounts, postcodes and the like identify nobody and stay."""
    assert scrub(text) == text


def test_neighbours_do_not_hide_each_other() -> None:
    """Several numbers in one text are each found, and numbers beside them stay."""
    text = (
        "75012 0612345678 75013; 13001 06 12 34 56 78; dossier 2007000141 tél 0612345678 / 0698765432, "
        "NIR 1 84 12 76 451 089 06 12 34 56 78, du 10 FR76 3000 6000 0112 3456 7890 189 jean@exemple.fr"
    )
    assert scrub(text) == (
        "75012 [phone] 75013; 13001 [phone]; dossier 2007000141 tél [phone] / [phone], "
        "NIR [nir] [phone], du 10 [bank] [e-mail]"
    )


def test_second_address_after_a_handle_is_found() -> None:
    """What looks like the beginning of an address hides none."""
    assert scrub("contact @ jean@exemple.fr") == "contact @ [e-mail]"
    assert "exemple" not in scrub("a@b@exemple.fr c@ d@exemple.fr")


def separated(draw: st.DrawFn, groups: list[str]) -> str:
    """The groups with one kind of separator, or mixed ones."""
    separator = st.sampled_from(["", " ", ".", "-", "\u00a0", "\u202f"])
    same = draw(separator)
    mixed = draw(st.booleans())
    return "".join(group + (draw(separator) if mixed else same) for group in groups[:-1]) + groups[-1]


def digits(draw: st.DrawFn, count: int) -> str:
    """Random digits."""
    return draw(st.text("0123456789", min_size=count, max_size=count))


@st.composite
def french_phones(draw: st.DrawFn) -> tuple[str, str]:
    """Any French number, in pairs, with any prefix."""
    first = draw(st.sampled_from("123456789"))
    pairs = [digits(draw, 2) for _ in range(4)]
    prefix = draw(st.sampled_from(["0", "+33 ", "+33", "0033 ", "+33 (0)", "0033"]))
    return prefix + separated(draw, [first, *pairs]) if prefix != "0" else separated(
        draw, ["0" + first, *pairs]
    ), "[phone]"


@st.composite
def nirs(draw: st.DrawFn) -> tuple[str, str]:
    """Any social security number with its key."""
    department = draw(st.sampled_from(["75", "01", "95", "2A", "2B", "97", "99"]))
    month = f"{draw(st.integers(1, 12)):02}"
    groups = [draw(st.sampled_from("12")), digits(draw, 2), month, department, digits(draw, 3), digits(draw, 3)]
    number = "".join(groups).replace("2A", "19").replace("2B", "18") if department[0] == "2" else "".join(groups)
    return separated(draw, [*groups, f"{97 - int(number) % 97:02}"]), "[nir]"


@st.composite
def ibans(draw: st.DrawFn) -> tuple[str, str]:
    """Any country's IBAN with its check digits."""
    country, length = draw(st.sampled_from(sorted(IBAN_LENGTHS.items())))
    bank = draw(st.text("ABCKXYZ", max_size=4))
    account = bank + digits(draw, length - 4 - len(bank))
    numeric = "".join(str(int(char, 36)) for char in account + country + "00")
    compact = f"{country}{98 - int(numeric) % 97:02}{account}"
    return separated(draw, [compact[at : at + 4] for at in range(0, length, 4)]), "[bank]"


@st.composite
def cards(draw: st.DrawFn) -> tuple[str, str]:
    """Any Visa or Mastercard number."""
    number = draw(st.sampled_from("45")) + digits(draw, 14)
    number += next(check for check in "0123456789" if is_card(number + check))
    return separated(draw, [number[at : at + 4] for at in range(0, 16, 4)]), "[bank]"


@given(st.one_of(french_phones(), nirs(), ibans(), cards()), st.sampled_from(["", "Bonjour, ", "n° : ", "é "]))
def test_any_identifying_number_goes_whole(drawn: tuple[str, str], before: str) -> None:
    """Whatever the number and its separators, nothing of it is left."""
    number, tag = drawn
    assume(not re.search(r"\d[-./]\d+[-./](19|20)\d\d", number))  # may end like a date, which stays
    written = scrub(f"{before}{number} (merci)")
    assert written.startswith(before)
    assert written.endswith(" (merci)")
    middle = written[len(before) : -len(" (merci)")]
    assert middle in {tag, "[bank]", "[nir]"}  # by chance, a number may pass as one of another kind


@given(st.text("a@. 0123456789+()-FR[]\u00a0\u200b٠", max_size=80))
def test_scrubbing_only_replaces(text: str) -> None:
    """Whatever the text, only tags are put in: what is left over is the text's own, in its order."""
    rest = text
    for kept in re.split(r"\[(?:e-mail|phone|nir|bank)\]", scrub(text)):
        at = rest.find(kept)
        assert at >= 0
        rest = rest[at + len(kept) :]


@given(st.text())
def test_texts_without_at_and_digits_are_untouched(text: str) -> None:
    """Without an at sign or a digit there is nothing to look for: the same object comes back."""
    assume(not any(char in "@＠﹫" or char.isdecimal() for char in text))
    assert scrub(text) is text


ADVERSARIAL = [
    "1", "1 ", "4 ", "4111 ", "0", "06 ", "@", "a@", "a", "a.", "a@a.", "+3", "+", "(0", "FR76", "FR76 ", "184127645108946 ",
    "1 84 12 ", "٠", "\u200b", "1\u200b", "12 ", "a1", "de12345678901234567 ", "01/02/2024 ", "1/1/", "30006 ", "a @ ", "%40",
    "a b", "-", "0.", "aa11", "1841276451089", "[1", "a@-", "'@", "_1", ") ", "2A",
]  # fmt: skip


@pytest.mark.parametrize("unit", ADVERSARIAL)
@pytest.mark.parametrize("end", ["", "!", "@", "1"])
def test_no_text_takes_long(unit: str, end: str) -> None:
    """16 kB made to mislead every pattern take well under a second: the time grows with the length only."""
    text = (unit * 16_384)[:16_384] + end
    start = time.process_time()
    scrub(text)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_iban, "GB82WEST12345698765432", "GB82WEST12345698765423"),
        (is_rib, "20041010050500013M02606", "20041010050500013M02607"),
        (is_nir, "184127645108946", "184127645108947"),
        (is_nir, "184122A45108933", "184122B45108933"),
        (is_card, "4111111111111111", "4111111111111112"),
        (is_card, "378282246310005", "0378282246310005"),
        (is_card, "30569309025904", "73282932000074"),
    ],
)
def test_check_digits(check: Callable[[str], bool], right: str, wrong: str) -> None:
    """Each kind of number is told from one with an error, and a card from other numbers that Luhn's digit holds for."""
    assert check(right)
    assert not check(wrong)
