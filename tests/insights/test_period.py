"""The period a page shows by itself: where the data are, not where a stray event lies."""

from services.insights.figures.summaries import History, Month
from services.insights.filters import Filters
from services.insights.pages.period import Period, choose_period, latest_months
from tests.insights.seed import instant_us


def day_us(text: str) -> int:
    """Midnight of a day in UTC."""
    return instant_us(f"{text}T00:00:00Z")


def history(volumes: dict[str, int]) -> History:
    """Events at 09:00 of the first day of each month."""
    months = [Month(day_us(f"{month}-01"), volume) for month, volume in volumes.items()]
    hour_us = 3_600_000_000
    return History(months[0].start_us + 9 * hour_us, months[-1].start_us + 10 * hour_us, months)


def edges(period: Period) -> tuple[int, int]:
    """From and to."""
    return period.from_us, period.to_us


def test_a_stray_event_does_not_hide_the_bulk():
    """Twelve months with less than a hundredth of all volume are passed over; the newest stay one link away."""
    found = history({"2019-10": 500, "2020-09": 700, "2026-11": 2})
    assert edges(choose_period(Filters(), found)) == (day_us("2019-10-01"), day_us("2020-10-01"))
    assert edges(latest_months(found)) == (day_us("2025-12-01"), day_us("2026-12-01"))


def test_a_hundredth_of_the_volume_is_enough():
    """The latest twelve months are shown as soon as they hold a hundredth of everything."""
    found = history({"2020-09": 990, "2026-10": 4, "2026-11": 6})
    assert edges(choose_period(Filters(), found)) == (day_us("2025-12-01"), day_us("2026-12-01"))


def test_thin_data_over_centuries_are_shown_whole():
    """Where no twelve months hold a hundredth, all is shown."""
    found = history({f"{year}-01": 1 for year in range(1900, 2010)})
    assert edges(choose_period(Filters(), found)) == (day_us("1900-01-01"), day_us("2009-01-02"))


def test_an_open_end_is_closed_by_the_data():
    """A period of which one end is asked for reaches to where the data end."""
    found = history({"2019-10": 5, "2020-09": 7})
    period = choose_period(Filters(from_us=day_us("2020-01-01")), found)
    assert edges(period) == (day_us("2020-01-01"), found.end_us)
    assert period.chosen
