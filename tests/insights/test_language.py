"""Numbers, times and messages as pages write them."""

import math
from datetime import UTC, datetime

import pytest
from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent
from hypothesis import given
from hypothesis import strategies as st

from services.insights.language import CODES, load_languages
from shared.journey.instants import to_us

LANGUAGES = load_languages()
NUMBERS = st.one_of(
    st.floats(-1e12, 1e12),
    st.integers(-(10**12), 10**12),
    st.decimals(-200, 200, places=2).map(float),
    st.sampled_from([0.25, 0.35, 0.05, -0.04, -0.0, 99.95, 99.949, math.inf, -math.inf]),
)


@pytest.mark.parametrize("code", CODES)
@given(number=NUMBERS)
def test_numbers_are_written_as_babel_writes_them(code: str, number: float) -> None:
    """Separators, rounding and the sign of every number are those of Babel's locale."""
    language = LANGUAGES[code]
    short = "#,##0.#" if abs(number) < 100 else "#,##0"
    assert language.number(number) == format_decimal(number, format=short, locale=language.locale)
    assert language.rate(number) == format_decimal(number, format="#,##0.0", locale=language.locale)


@pytest.mark.parametrize("code", CODES)
@given(share=st.one_of(st.floats(0.001, 1), st.floats(-2, 0), st.decimals(0, 3, places=3).map(float)))
def test_shares_are_written_as_babel_writes_them(code: str, share: float) -> None:
    """A percentage has the sign of the locale, and one decimal below 10 %."""
    language = LANGUAGES[code]
    pattern = language.locale.percent_formats[None].pattern
    if 0 < share < 0.1:
        pattern = pattern.replace("0", "0.#")
    assert language.percent(share) == format_percent(share, format=pattern, locale=language.locale)


@pytest.mark.parametrize("code", CODES)
@given(moment=st.datetimes(datetime(1900, 1, 1), datetime(2299, 12, 31)))
def test_the_time_of_day_is_written_as_babel_writes_it(code: str, moment: datetime) -> None:
    """Hours and minutes have two digits, by the clocks of the language's zone."""
    language = LANGUAGES[code]
    instant = moment.replace(tzinfo=UTC)
    assert language.clock(to_us(instant)) == format_datetime(instant, format="HH:mm", locale=language.locale)
