"""The calendar: public holidays, the local clock, peaks, maintenance, opening hours, and which past is comparable."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.calendar import Calendar, Entry, Times
from services.alerts.calendar_clock import SLOT_US, SLOTS_A_DAY, SLOTS_A_WEEK, LocalClock, weekdays
from services.alerts.calendar_holidays import easter, public_holidays
from services.alerts.settings import parse_alerts
from shared.alerts.finding import Series
from shared.journey.instants import from_us, to_us

PARIS = LocalClock(ZoneInfo("Europe/Paris"))
PHONE = Series("rise", "long_wait", "housing", "phone")
WEB = Series("rise", "error_loop", "housing", "web")


def slot(text: str, zone: str = "Europe/Paris") -> int:
    """The slot of a local date and time."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))) // SLOT_US


def slots(text: str, number: int = 1) -> np.ndarray:
    """So many slots from a local date and time on."""
    return np.arange(slot(text), slot(text) + number)


def local_text(number: int) -> str:
    """A slot by the clock of Paris."""
    return f"{from_us(int(number) * SLOT_US).astimezone(ZoneInfo('Europe/Paris')):%Y-%m-%d %H:%M}"


EASTERS = {
    1818: (3, 22),
    1943: (4, 25),
    1961: (4, 2),
    2000: (4, 23),
    2008: (3, 23),
    2019: (4, 21),
    2024: (3, 31),
    2025: (4, 20),
    2026: (4, 5),
    2027: (3, 28),
    2038: (4, 25),
    2285: (3, 22),
}


@pytest.mark.parametrize("year", EASTERS)
def test_easter_falls_where_the_tables_have_it(year: int) -> None:
    """The earliest and latest possible days among them."""
    assert easter(year) == date(year, *EASTERS[year])


@given(st.integers(1583, 4099))
def test_easter_is_a_sunday_of_spring(year: int) -> None:
    """From 22 March to 25 April, in every year of the Gregorian calendar."""
    found = easter(year)
    assert found.weekday() == 6
    assert date(year, 3, 22) <= found <= date(year, 4, 25)


def test_france_has_eleven_public_holidays() -> None:
    """Those of 2026, as the law names them; two more in Alsace-Moselle; none where none are wished."""
    of_france = ["01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "08-15", "11-01", "11-11", "12-25"]
    assert [f"{day:%m-%d}" for day in public_holidays("france", 2026)] == of_france
    more = set(public_holidays("alsace-moselle", 2026)) - set(public_holidays("france", 2026))
    assert more == {date(2026, 4, 3), date(2026, 12, 26)}
    assert public_holidays("none", 2026) == ()


def test_two_holidays_on_one_day_are_one() -> None:
    """In 2008 Ascension Day was the first of May."""
    assert len(public_holidays("france", 2008)) == 10


def test_local_slots_follow_the_change_of_clocks() -> None:
    """The night of the change has an hour less, or more: the local slot jumps, the slot does not."""
    night = slots("2026-03-29T00:00", 16)
    assert [local_text(each)[11:] for each in night[6:10]] == ["01:30", "01:45", "03:00", "03:15"]
    assert np.diff(PARIS.local(night)).tolist() == [1] * 7 + [5] + [1] * 7
    autumn = slots("2026-10-25T01:30", 12)
    assert sorted(set(np.diff(PARIS.local(autumn)).tolist())) == [-3, 1]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Chicago", "Asia/Kathmandu", "Pacific/Chatham", "UTC"])
def test_the_same_clock_time_of_earlier_days(zone: str) -> None:
    """Whatever the zone, and over a change of clocks, a week before is the same weekday at the same time."""
    clock = LocalClock(ZoneInfo(zone))
    now = np.arange(slot("2026-04-02T12:00", zone), slot("2026-04-02T12:00", zone) + 8)
    for weeks in range(1, 30):
        before = clock.days_before(now, np.full(8, 7 * weeks))
        assert (clock.local(now) - clock.local(before)).tolist() == [weeks * SLOTS_A_WEEK] * 8


def test_weekdays_are_counted_from_monday() -> None:
    """The first day of 1970 was a Thursday."""
    assert weekdays(np.array([0, 4, 3])).tolist() == [3, 0, 6]


def test_an_ordinary_day_is_compared_with_its_weekday() -> None:
    """The same clock time of the past weeks, the latest first."""
    calendar = Calendar(PARIS, (), "france")
    found, comparable = calendar.sources(slots("2026-03-04T10:00"), 3)
    assert [local_text(each) for each in found[:, 0]] == ["2026-02-25 10:00", "2026-02-18 10:00", "2026-02-11 10:00"]
    assert comparable.all()


def test_a_holiday_is_compared_with_sundays() -> None:
    """Easter Monday with the Sundays before it; a holiday on a Sunday is a Sunday."""
    calendar = Calendar(PARIS, (), "france")
    found, comparable = calendar.sources(slots("2026-04-06T10:00"), 2)
    assert [local_text(each) for each in found[:, 0]] == ["2026-04-05 10:00", "2026-03-29 10:00"]
    found, _ = calendar.sources(slots("2026-11-01T10:00"), 2)
    assert [local_text(each) for each in found[:, 0]] == ["2026-10-25 10:00", "2026-10-18 10:00"]
    assert comparable.all()


def test_a_past_holiday_says_nothing_of_an_ordinary_day() -> None:
    """Easter Monday is left out where a later Monday is judged; without holidays it is a Monday."""
    when = slots("2026-04-20T10:00")
    assert Calendar(PARIS, (), "france").sources(when, 3)[1][:, 0].tolist() == [True, False, True]
    assert Calendar(PARIS).sources(when, 3)[1].all()


def calendar_of(text: str) -> Calendar:
    """The calendar of an alert file."""
    return parse_alerts(text, "alerts.toml").calendar


MAINTENANCE = """
[[calendar.maintenance]]
name = "new telephone system"
from = 2026-03-03T22:00:00
to = 2026-03-04T06:00:00
channels = ["phone"]
"""


def test_maintenance_mutes_and_is_left_out_of_the_past() -> None:
    """From its first quarter hour to its last, on its channel and on what sums up over channels."""
    calendar = calendar_of(MAINTENANCE)
    wide = Series("rise", "long_wait", "housing")
    cases = {"2026-03-03T21:45": False, "2026-03-03T22:00": True, "2026-03-04T05:45": True, "2026-03-04T06:00": False}
    for when, covered in cases.items():
        assert calendar.muted([PHONE, WEB, wide], slots(when)).tolist() == [covered, False, covered]
    sources, _ = calendar.sources(slots("2026-03-18T01:00"), 3)
    assert calendar.left_out([PHONE, WEB], sources).tolist() == [[False, True, False], [False] * 3]


PEAKS = """
[[calendar.peak]]
name = "payment day"
month_days = [5, -1]
hours = ["08:00-12:00", "14:00-24:00"]
services = ["housing"]
factor = 3
[[calendar.peak]]
name = "campaign"
from = 2026-03-05
to = 2026-03-06
factor = 2
[[calendar.peak]]
name = "quiet please"
weekdays = ["sun"]
mute = true
"""


def test_peaks_multiply_what_is_expected() -> None:
    """By day of the month (from its end, too), hours, dates; two at once multiply; other services are not touched."""
    calendar = calendar_of(PEAKS)
    other = Series("rise", "long_wait", "passport", "phone")
    cases = {
        "2026-03-05T08:00": [6.0, 2.0],
        "2026-03-05T12:00": [2.0, 2.0],
        "2026-03-31T23:45": [3.0, 1.0],
        "2026-02-28T14:00": [3.0, 1.0],
        "2026-03-06T23:45": [2.0, 2.0],
    }
    for when, factors in cases.items():
        found = calendar.factors([PHONE, other], slots(when))
        assert found is not None
        assert found[:, 0].tolist() == factors
    assert calendar.factors([PHONE], slots("2026-03-07T00:00")) is None


def test_a_peak_may_mute() -> None:
    """On Sundays nothing is judged; on other days it is."""
    calendar = calendar_of(PEAKS)
    assert calendar.muted([PHONE], slots("2026-03-08T10:00")).all()
    assert not calendar.muted([PHONE], slots("2026-03-09T10:00")).any()


OPENING = """
[calendar]
holidays = "france"
[[calendar.opening]]
name = "counters"
weekdays = ["mon", "tue"]
hours = ["08:30-12:00", "13:30-17:00"]
channels = ["counter"]
"""


def test_a_place_is_open_in_its_hours_only() -> None:
    """By weekday and hours; closed on a public holiday; a channel without hours is always open."""
    calendar = calendar_of(OPENING)
    counter = Series("silence", "", "housing", "counter")
    day = calendar.is_open(counter, slots("2026-03-09T00:00", SLOTS_A_DAY))
    assert day.sum() == 28
    assert not calendar.is_open(counter, slots("2026-04-06T00:00", SLOTS_A_DAY)).any()
    assert calendar.is_open(PHONE, slots("2026-04-06T03:00", 4)).all()


def test_an_entry_without_times_always_holds() -> None:
    """Empty fields set no bound."""
    assert Times().cover(np.array([0, 10**6])).all()
    entry = Entry(kind="peak", name="x", times=Times(), services=("housing",))
    assert entry.applies(PHONE)
    assert not entry.applies(Series("rise", "long_wait", "passport"))


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))
def test_what_is_compared_always_lies_before(moment: datetime) -> None:
    """No slot is compared with itself or the future, on no day of the year."""
    now = np.array([to_us(moment.replace(tzinfo=UTC)) // SLOT_US])
    found, _ = Calendar(PARIS, (), "alsace-moselle").sources(now, 4)
    assert (found < now).all()
    assert (np.diff(found[:, 0]) < 0).all()
