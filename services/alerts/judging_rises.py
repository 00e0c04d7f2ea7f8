"""Rises: series whose count in a window is more than chance, and than the site's least effect. Pure; time is a parameter.

A window ends at a whole minute (the fast one) or a whole quarter hour (the slow one). Until then its count only grows, so that
however often it is looked at, it is one look: the arithmetic of false alerts needs no assumption on how often a round is.
Source: docs/alerts/judging.md.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from services.alerts.calendar import Calendar
from services.alerts.calendar_clock import MINUTE_US, SLOT_US, SLOTS_A_DAY, SLOTS_AN_HOUR, Bools, Floats, Ints
from services.alerts.counts import Past, Present
from services.alerts.expected import (
    DAY_BLOCK,
    HOUR_BLOCK,
    Look,
    Weeks,
    dispersion,
    hours_of,
    look,
    probability,
    weeks_of,
)
from services.alerts.settings import AlertSettings
from shared.alerts.finding import Finding, Series, Severity
from shared.journey.instants import DAY_US

RiseWindow = Literal["fast", "slow"]
WINDOWS: Final[tuple[RiseWindow, ...]] = ("fast", "slow")
Firing = Collection[tuple[Series, str]]
"""The (series, window) that the round before found."""


class Alerted(Struct, frozen=True):
    """A span in which a series alerted: it is no measure of what is usual."""

    series: Series
    from_us: int
    to_us: int


class Bounds(Struct, frozen=True):
    """The bounds of a window, and the slots that it meets."""

    from_us: int
    to_us: int
    slots: Ints
    weights: Floats


class _Expected(Struct, frozen=True):
    """What a window is compared with: its own slots, and for the fast window the hours they lie in; the weeks to leave out."""

    sets: tuple[Weeks, ...]
    out: Bools
    muted: Bools


def bounds(settings: AlertSettings, window: RiseWindow, at_us: int) -> Bounds:
    """The window of a round: it ends with the minute, or the quarter hour, that the instant lies in."""
    step = MINUTE_US if window == "fast" else SLOT_US
    length = (
        settings.rises.fast_min * MINUTE_US if window == "fast" else settings.rises.slow_h * SLOTS_AN_HOUR * SLOT_US
    )
    to_us = -(-at_us // step) * step
    first, last = (to_us - length) // SLOT_US, (to_us - 1) // SLOT_US
    slots = np.arange(first, last + 1, dtype=np.int64)
    starts = slots * SLOT_US
    met = np.minimum(starts + SLOT_US, to_us) - np.maximum(starts, to_us - length)
    return Bounds(to_us - length, to_us, slots, met / SLOT_US)


def looks_a_day(window: RiseWindow) -> int:
    """How many windows end in a day."""
    return DAY_US // (MINUTE_US if window == "fast" else SLOT_US)


def level(settings: AlertSettings, window: RiseWindow, series: int) -> float:
    """The probability below which one look is a rise: the day's share of false alerts over series and looks (Boole's bound)."""
    share = settings.false_alerts.share_fast if window == "fast" else settings.false_alerts.share_slow
    return settings.false_alerts.a_day * share / (max(series, 1) * looks_a_day(window))


class RiseJudge:
    """Judges one set of series by one past. What it remembers between rounds only saves time.

    `series` and the past's numbers go together. Raises `ValueError` when they do not.
    """

    def __init__(
        self, settings: AlertSettings, series: Sequence[Series], past: Past, alerted: Sequence[Alerted] = ()
    ) -> None:
        if len(series) != past.size:
            raise ValueError(f"{len(series)} series, but a past of {past.size}")
        self._settings = settings
        self._calendar: Calendar = settings.calendar
        self._series = list(series)
        self._past = past
        self._alerted = list(alerted)
        self._numbers = {each: number for number, each in enumerate(self._series)}
        self._dispersions: dict[tuple[int, str], Floats] = {}
        self._expected: dict[RiseWindow, tuple[tuple[int, ...], _Expected]] = {}

    def judge(self, at_us: int, present: Present, firing: Firing = ()) -> list[Finding]:
        """The rises in the windows of this instant. `firing`: what the round before found, which is kept by a weaker rule."""
        if not self._settings.rises.enabled or not self._series:
            return []
        return [finding for window in WINDOWS for finding in self._judge(window, at_us, present, firing)]

    def leave_out(self, alerted: Alerted) -> None:
        """Take a span in which a series alerted out of what is usual."""
        self._alerted.append(alerted)
        self._expected.clear()
        # Of a day tells what lies before it.
        kept = {key: each for key, each in self._dispersions.items() if key[0] * DAY_US <= alerted.from_us}
        self._dispersions = kept

    def unknown(self, at_us: int) -> int:
        """How many series have too few weeks of history to be judged in the fast window now."""
        window = bounds(self._settings, "fast", at_us)
        known = self._compare("fast", window).sets[0].usable.sum(axis=1)
        return int((known < self._settings.rises.min_weeks).sum())

    def _judge(self, window: RiseWindow, at_us: int, present: Present, firing: Firing) -> list[Finding]:
        rises, within = self._settings.rises, bounds(self._settings, window, at_us)
        observed = present.counts(within.from_us, within.to_us)[: len(self._series)].astype(np.float64)
        kept = np.array([(each, window) in firing for each in self._series], dtype=np.bool_) if firing else None
        enough = observed >= max(rises.min_excess, rises.min_citizens, 1)
        if not (enough if kept is None else enough | kept).any():
            return []
        rows = np.flatnonzero(enough if kept is None else enough | kept)
        observed, enough = observed[rows], enough[rows]
        kept = None if kept is None else kept[rows]
        expected, chances, known = self._looks(window, within, observed, rows)
        new = enough & (observed >= expected * rises.min_ratio) & (observed - expected >= rises.min_excess)
        new &= known & (chances <= level(self._settings, window, len(self._series)))
        if kept is not None:
            new |= (
                kept & known & (observed >= expected * (1 + rises.min_ratio) / 2) & (chances <= rises.keep_probability)
            )
        findings = []
        for place in np.flatnonzero(new):
            series = self._series[rows[place]]
            citizens = present.citizens(int(rows[place]), within.from_us, within.to_us)
            values = float(observed[place]), float(expected[place]), float(chances[place])
            if citizens >= rises.min_citizens or (series, window) in firing:
                findings.append(self._finding(series, window, within, values, citizens))
        return findings

    def _looks(self, window: RiseWindow, within: Bounds, observed: Floats, rows: Ints) -> tuple[Floats, Floats, Bools]:
        """Of these rows: the expected count, the larger probability of the comparisons, and whether it can be judged."""
        compared = self._compare(window, within)
        sets = [weeks.of(rows) for weeks in compared.sets]
        scatter = self._dispersion(window, within.to_us)[rows]
        looks: list[Look] = [look(weeks, scatter, compared.out[rows]) for weeks in sets]
        chances = np.max([probability(observed, *each, scatter) for each in zip(looks, sets, strict=True)], axis=0)
        known = np.min([found.weeks for found in looks], axis=0) >= self._settings.rises.min_weeks
        expected: Floats = np.max([found.expected for found in looks], axis=0)
        return expected, chances, known & ~compared.muted[rows]

    def _compare(self, window: RiseWindow, within: Bounds) -> _Expected:
        """What the window is compared with; the part that stays the same within a slot is kept."""
        key = (int(within.slots[0]), int(within.slots[-1]))
        held = self._expected.get(window)
        if held is None or held[0] != key:
            held = key, self._find(window, within)
            self._expected[window] = held
        if window == "slow" or np.all(within.weights == 1):
            return held[1]
        first, *middle, last, hours = held[1].sets
        weighted = [first, *middle, last]
        counts = sum(weeks.counts * weight for weeks, weight in zip(weighted, within.weights, strict=True))
        factor = sum(weeks.factor * weight for weeks, weight in zip(weighted, within.weights, strict=True))
        usable = np.logical_and.reduce([weeks.usable for weeks in weighted])
        length = float(within.weights.sum())
        own = Weeks(np.asarray(counts), usable, np.asarray(factor) / length, 1.0)
        return _Expected((own, hours), held[1].out, held[1].muted)

    def _find(self, window: RiseWindow, within: Bounds) -> _Expected:
        settings = self._settings
        muted = self._calendar.muted(self._series, within.slots)
        if settings.rises.off:
            muted |= np.array([each.rule in settings.rises.off for each in self._series], dtype=np.bool_)
        out = self._left_out(within)
        if window == "slow":
            return _Expected((self._weeks(within.slots, 1.0),), out, muted)
        hours = hours_of(self._calendar, within.slots)
        exposure = len(hours) / float(within.weights.sum())
        if np.all(within.weights == 1):
            return _Expected((self._weeks(within.slots, 1.0), self._weeks(hours, exposure)), out, muted)
        each = (self._weeks(within.slots[place : place + 1], 1.0) for place in range(len(within.slots)))
        return _Expected((*each, self._weeks(hours, exposure)), out, muted)

    def _weeks(self, slots: Ints, exposure: float) -> Weeks:
        weights = np.ones(len(slots))
        return weeks_of(self._past, self._calendar, self._series, slots, weights, self._settings.rises.weeks, exposure)

    def _left_out(self, within: Bounds) -> Bools:
        """The weeks in which a series alerted at this clock time, `[series, weeks]`."""
        out = np.zeros((len(self._series), self._settings.rises.weeks), dtype=np.bool_)
        if self._alerted:
            sources, _ = self._calendar.sources(within.slots, self._settings.rises.weeks)
            starts, ends = sources.min(axis=1) * SLOT_US, (sources.max(axis=1) + 1) * SLOT_US
            for each in self._alerted:
                if (number := self._numbers.get(each.series)) is not None:
                    out[number] |= (starts < each.to_us) & (ends > each.from_us)
        return out

    def _dispersion(self, window: RiseWindow, to_us: int) -> Floats:
        """The overdispersion of the weeks before this day."""
        day = (to_us - 1) // DAY_US
        if (day, window) not in self._dispersions:
            self._dispersions = {key: value for key, value in self._dispersions.items() if key[0] == day}
            block = HOUR_BLOCK if window == "fast" else DAY_BLOCK
            alerted = [
                (self._numbers[each.series], each.from_us // SLOT_US, -(-each.to_us // SLOT_US))
                for each in self._alerted
                if each.series in self._numbers
            ]
            self._dispersions[day, window] = dispersion(
                self._past, day * SLOTS_A_DAY, self._settings.rises.weeks, block, alerted
            )
        return self._dispersions[day, window]

    def _finding(
        self, series: Series, window: RiseWindow, within: Bounds, values: tuple[float, float, float], citizens: int
    ) -> Finding:
        observed, expected, chance = values
        return Finding(
            series=series,
            window=window,
            from_us=within.from_us,
            to_us=within.to_us,
            since_us=within.from_us,
            observed=observed,
            expected=expected,
            probability=chance,
            citizens=citizens,
            severity=self._severity(observed, expected, citizens),
        )

    def _severity(self, observed: float, expected: float, citizens: int) -> Severity:
        rises = self._settings.rises
        grave = observed >= expected * rises.critical_ratio and citizens >= rises.critical_citizens
        return "critical" if grave else "warning"
