"""Made-up sites: series with a daily and a weekly pattern, whose counts are drawn with a seed."""

from typing import Final

import numpy as np

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, SLOTS_A_DAY, SLOTS_A_WEEK, Floats, Ints
from services.alerts.counts import Past
from services.alerts.settings import AlertSettings, parse_alerts
from shared.alerts.finding import Series
from shared.journey.instants import from_text

DAY: Final = from_text("2026-03-11T00:00:00.000000Z")
"""The Wednesday that is judged, in a site that lives by UTC and knows no holidays."""
UTC: Final = '[site]\ntime_zone = "UTC"\n[calendar]\nholidays = "none"\n'
WEEKS: Final = 8
MINUTES_A_DAY: Final = 1_440
_SLOT_MINUTES: Final = 15


def settings(text: str = "") -> AlertSettings:
    """Settings of a site that lives by UTC, with further lines."""
    return parse_alerts(text + "\n" + UTC, "alerts.toml")


def names(number: int) -> list[Series]:
    """So many series of rises."""
    return [Series("rise", "long_wait", f"service-{place}", "phone") for place in range(number)]


def pattern() -> Floats:
    """How a week's points are spread over its slots, 1 in the mean: offices at work, quiet nights and weekends."""
    hours = np.arange(SLOTS_A_DAY) / 4
    day = 0.05 + np.exp(-((hours - 10.5) ** 2) / 5) + 0.8 * np.exp(-((hours - 15.5) ** 2) / 5)
    week = np.concatenate([day * share for share in (1.2, 1.0, 1.0, 1.0, 0.9, 0.3, 0.1)])
    return np.asarray(week / week.mean())


class MadePresent:
    """Counts by minute: each point touches another journey."""

    def __init__(self, minutes: Ints, from_us: int) -> None:
        """minutes: `[series, minutes]` from the instant on."""
        self._sums = np.concatenate([np.zeros((len(minutes), 1), dtype=np.int64), minutes.cumsum(axis=1)], axis=1)
        self._from_us = from_us

    def counts(self, from_us: int, to_us: int) -> Ints:
        start, end = ((instant - self._from_us) // MINUTE_US for instant in (from_us, to_us))
        return np.asarray(self._sums[:, end] - self._sums[:, start])

    def citizens(self, index: int, from_us: int, to_us: int) -> int:
        return int(self.counts(from_us, to_us)[index])


def rates(random: np.random.Generator, series: int) -> Floats:
    """Points a quarter hour and series in the mean: from one in a day to thousands."""
    return np.exp(random.normal(0.5, 2.0, size=series))


def made_up(
    seed: int, series: int = 100, scatter: float = 0.0, means: Floats | None = None, rise: Floats | None = None
) -> tuple[Past, MadePresent]:
    """Eight weeks before `DAY`, and `DAY` by minutes with the day before it.

    scatter: the variance of a factor that all counts of a series and day have in common (0: Poisson). rise: factors by series
    and minute of `DAY`.
    """
    random = np.random.default_rng(seed)
    of_slot = np.outer(rates(random, series) if means is None else means, pattern())
    days = 7 * WEEKS + 1
    factors = np.ones((series, days + 1)) if scatter == 0 else random.gamma(1 / scatter, scatter, (series, days + 1))
    first = DAY // SLOT_US - days * SLOTS_A_DAY
    slots = np.arange(first, first + (days + 1) * SLOTS_A_DAY)
    monday = (slots // SLOTS_A_DAY + 3) % 7 * SLOTS_A_DAY + slots % SLOTS_A_DAY
    expected = of_slot[:, monday % SLOTS_A_WEEK] * np.repeat(factors, SLOTS_A_DAY, axis=1)
    past = random.poisson(expected[:, : -2 * SLOTS_A_DAY])
    recent = np.repeat(expected[:, -2 * SLOTS_A_DAY :] / _SLOT_MINUTES, _SLOT_MINUTES, axis=1)
    if rise is not None:
        recent[:, MINUTES_A_DAY:] *= rise
    minutes = random.poisson(recent)
    day_before = minutes[:, :MINUTES_A_DAY].reshape(series, SLOTS_A_DAY, _SLOT_MINUTES).sum(axis=2)
    counts = np.concatenate([past, day_before], axis=1)
    places, numbers = np.nonzero(counts.T)
    rows = Past(slots[places], numbers, counts[numbers, places].astype(np.float64), np.full(series, first))
    return rows, MadePresent(minutes, DAY - MINUTES_A_DAY * MINUTE_US)
