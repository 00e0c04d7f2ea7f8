"""Figures in plain words, in French and English."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.detection.wording import (
    by_channel,
    channel_name,
    counted,
    date_and_time,
    duration,
    number,
    quoted,
    typeset,
    waiting_at,
)
from shared.journey.vocabulary import CHANNELS

NB, THIN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("seconds", "french", "english"),
    [
        (0, "moins d’une seconde", "less than a second"),
        (0.9, "moins d’une seconde", "less than a second"),
        (1, "1 seconde", "1 second"),
        (59.9, "59 secondes", "59 seconds"),
        (60, "1 minute", "1 minute"),
        (61, "1 minute et 1 seconde", "1 minute and 1 second"),
        (3_600, "1 heure", "1 hour"),
        (3_659, "1 heure", "1 hour"),
        (7_260, "2 heures et 1 minute", "2 hours and 1 minute"),
        (86_400, "1 jour", "1 day"),
        (86_400 + 3_599, "1 jour", "1 day"),
        (3 * 86_400 + 4 * 3_600 + 59 * 60, "3 jours et 4 heures", "3 days and 4 hours"),
        (1_500 * 86_400, "1 500 jours", "1,500 days"),
    ],
)
def test_durations_are_said_in_two_units(seconds: float, french: str, english: str) -> None:
    """A duration is its largest unit and the next, rounded down, singular and plural right."""
    assert duration(seconds, "fr").replace(NB, " ").replace(THIN, " ") == french
    assert duration(seconds, "en").replace(NB, " ") == english


@given(st.floats(min_value=0, max_value=4e7))
def test_a_duration_is_never_said_too_long(seconds: float) -> None:
    """What is said, read back, is at most the duration, and short of it by less than the smaller unit said."""
    units = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    said, smallest = 0, 1
    if seconds >= 1:
        for part in duration(seconds, "en").split(" and "):
            amount, unit = part.replace(",", "").split(NB)
            smallest = units[unit.removesuffix("s")]
            said += int(amount) * smallest
    assert said <= seconds < said + max(smallest, 1) * (60 if smallest > 1 else 1)


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0, "0", "0"),
        (2.0, "2", "2"),
        (100, "100", "100"),
        (1.5, "1,5", "1.5"),
        (0.005, "0,01", "0.01"),
        (1_234_567.25, f"1{THIN}234{THIN}567,25", "1,234,567.25"),
    ],
)
def test_numbers_follow_the_language(value: float, french: str, english: str) -> None:
    """A comma and thin spaces in French, a point and commas in English; no empty decimals."""
    assert number(value, "fr") == french
    assert number(value, "en") == english


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [(0, "0 pas", "0 steps"), (1, "1 pas", "1 step"), (1.5, "1,5 pas", "1.5 steps"), (2, "2 pass", "2 steps")],
)
def test_plurals_follow_the_language(value: float, french: str, english: str) -> None:
    """French counts in the plural from 2 on, English for anything but 1."""
    assert counted(value, ("pas", "pass"), "fr").replace(NB, " ") == french
    assert counted(value, ("step", "steps"), "en").replace(NB, " ") == english


@pytest.mark.parametrize(
    ("text", "french", "english"),
    [
        ("2026-03-01T22:59:00.000000Z", "1er mars 2026 à 22 h 59 UTC", "1 March 2026 at 22:59 UTC"),
        ("2026-08-12T01:05:00+02:00", "11 août 2026 à 23 h 05 UTC", "11 August 2026 at 23:05 UTC"),
        ("0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+10:00"),
        ("soon", "soon", "soon"),
    ],
)
def test_dates_are_written_out(text: str, french: str, english: str) -> None:
    """An instant is written out in UTC; what is none is left as it is."""
    assert date_and_time(text, "fr").replace(NB, " ") == french
    assert date_and_time(text, "en").replace(NB, " ") == english


def test_french_typography() -> None:
    """No-break spaces before double punctuation and inside quotation marks, curved apostrophes."""
    assert typeset("l'un : « a » ; 5 % ? oui !", "fr") == (f"l’un{NB}: «{NB}a{NB}»{THIN}; 5{NB}%{THIN}? oui{THIN}!")
    assert typeset("one's: a", "en") == "one’s: a"
    assert quoted("x", "fr") == f"«{NB}x{NB}»"
    assert quoted("x", "en") == "“x”"


def test_every_channel_has_a_name_and_a_way() -> None:
    """Each channel of the definitions has four different-language texts; another one is named as it came."""
    for channel in CHANNELS:
        assert channel_name(channel, "fr")
        assert channel_name(channel, "en")
        assert by_channel(channel, "fr") != by_channel(channel, "en")
    assert channel_name("phone", "fr") == "téléphone"
    assert channel_name("fax", "fr") == channel_name("fax", "en") == "fax"
    assert by_channel("fax", "fr") == f"par le canal «{NB}fax{NB}»"
    assert by_channel("fax", "en") == "by the channel “fax”"


def test_one_waits_on_the_phone() -> None:
    """A wait is on the phone, while a contact is by phone; other channels have one form."""
    assert (waiting_at("phone", "fr"), waiting_at("phone", "en")) == ("au téléphone", "on the phone")
    assert (waiting_at("counter", "fr"), waiting_at("counter", "en")) == ("au guichet", "at the counter")
