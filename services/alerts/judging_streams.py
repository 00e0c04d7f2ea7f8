"""What arrives, or does not: the silence of a channel, and rises in refused events. Pure; time is a parameter."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from services.alerts.calendar_clock import SLOT_US, SLOTS_A_DAY, SLOTS_AN_HOUR, Bools, Floats, Ints
from services.alerts.counts import Past
from services.alerts.expected import DAY_BLOCK, HOUR_BLOCK, dispersion, look, probability, weeks_of
from services.alerts.judging_rises import Firing, bounds, looks_a_day
from services.alerts.settings import AlertSettings
from shared.alerts.finding import Finding, Series
from shared.journey.instants import DAY_US

_PATIENT_WEEKS: Final = 2
"""A channel without any event for so many weeks is closed, not silent."""


class SilenceJudge:
    """Finds channels that send nothing where something was to be expected.

    series: condition `silence`, by service and channel; `past`: their events by slot, up to now. The gap runs from the last event;
    its level is that of one look a slot, since a gap is a silence of a given probability only once.
    """

    def __init__(self, settings: AlertSettings, series: Sequence[Series], past: Past) -> None:
        self._settings = settings
        self._series = list(series)
        self._past = past
        self._latest = np.full(past.size, -1, dtype=np.int64)
        np.maximum.at(self._latest, past.series, past.slots)
        self._heard = np.full(past.size, -1, dtype=np.int64)
        self._dispersion: tuple[int, Floats] | None = None
        self._sums: tuple[int, Floats, int] | None = None

    def hear(self, heard: Mapping[Series, int]) -> None:
        """Say in which slot a channel last sent anything, of those heard of since the past was read."""
        for number, series in enumerate(self._series):
            self._heard[number] = heard.get(series, -1)

    @property
    def level(self) -> float:
        """The probability below which a gap is a silence."""
        share = self._settings.false_alerts.a_day * self._settings.false_alerts.share_silence
        return share / (max(1, len(self._series)) * looks_a_day("slow"))

    def judge(self, at_us: int, firing: Firing = ()) -> list[Finding]:
        """The silent channels at this instant; the slot it lies in has not ended and counts only where something came.

        firing: what the round before found; a silence goes on by the weaker rule until an event ends it.
        """
        silence, end = self._settings.silence, at_us // SLOT_US
        gaps = end - 1 - self._seen_before(end)
        longest = silence.max_gap_h * SLOTS_AN_HOUR
        waiting = (gaps * 15 >= silence.min_gap_min) & (gaps <= _PATIENT_WEEKS * 7 * SLOTS_A_DAY)
        if not silence.enabled or not waiting.any():
            return []
        slots = np.arange(end - longest, end, dtype=np.int64)
        muted = self._settings.calendar.muted(self._series, slots[-1:])
        held = np.array([(each, "none") in firing for each in self._series], dtype=np.bool_)
        waiting &= self._may_be_silent(end, gaps) | held
        found = [
            self._gap(int(number), int(gaps[number]), slots, at_us, held=bool(held[number]))
            for number in np.flatnonzero(waiting & ~muted)
        ]
        return [finding for finding in found if finding is not None]

    def _may_be_silent(self, end: int, gaps: Ints) -> Bools:
        """The series whose gap holds enough of the past, were it all comparable and all open: the others need no closer look."""
        weeks, most = self._settings.rises.min_weeks, self._settings.silence.max_gap_h * SLOTS_AN_HOUR
        raised = max((each.factor for each in self._settings.calendar.entries), default=1.0)
        needed = -math.log(self.level) / math.log((weeks + max(raised, 1.0)) / weeks)
        sums, first = self._profile(end - 1)
        last = end - first
        return sums[:, last] - sums[np.arange(len(sums)), last - np.clip(gaps, 0, most)] >= needed

    def _profile(self, slot: int) -> tuple[Floats, int]:
        """Running sums, `[series, slots + 1]`, of what the past has for the slots up to the end of this day; the first of them."""
        day = slot // SLOTS_A_DAY
        if self._sums is None or self._sums[0] != day:
            settings, size = self._settings, self._past.size
            first = day * SLOTS_A_DAY - settings.silence.max_gap_h * SLOTS_AN_HOUR
            slots = np.arange(first, (day + 1) * SLOTS_A_DAY, dtype=np.int64)
            sources, _ = settings.calendar.sources(slots, settings.rises.weeks)
            counts = np.zeros(size * len(slots))
            for week in sources:
                order = np.argsort(week, kind="stable")
                rows = self._past.between(int(week.min()), int(week.max()) + 1)
                places = np.minimum(np.searchsorted(week[order], rows.slots), len(week) - 1)
                met = week[order][places] == rows.slots
                keys = rows.series[met] * len(slots) + order[places[met]]
                counts += np.bincount(keys, rows.counts[met], minlength=len(counts))
            sums = counts.reshape(size, len(slots)).cumsum(axis=1)
            self._sums = day, np.concatenate([np.zeros((size, 1)), sums], axis=1), first
        return self._sums[1], self._sums[2]

    def _seen_before(self, end: int) -> Ints:
        """The last slot, before `end`, in which each series had an event."""
        found = self._latest
        if not (found < end).all():
            rows = self._past.between(0, end + 1)
            found = np.full(self._past.size, -1, dtype=np.int64)
            np.maximum.at(found, rows.series, rows.slots)
        heard = np.where(self._heard <= end, self._heard, -1)
        return np.maximum(found, heard)

    def _gap(self, number: int, silent: int, slots: Ints, at_us: int, *, held: bool) -> Finding | None:
        """What the past has in the same slots, while the place is open; a finding where it is too much for chance.

        silent: for how many slots nothing came; weeks that reach into them say nothing of what is usual.
        """
        settings, series = self._settings, [self._series[number]]
        length = min(silent, len(slots))
        gap = slots[-length:]
        gap = gap[settings.calendar.is_open(series[0], gap)]
        if not len(gap) or not settings.calendar.is_open(series[0], slots[-1:])[0]:
            return None
        mine = self._past.between(int(gap[0]) - (settings.rises.weeks + 2) * 7 * SLOTS_A_DAY, int(slots[-1]) + 1)
        own = mine.series == number
        past = Past(
            mine.slots[own], np.zeros(int(own.sum()), dtype=np.int64), mine.counts[own], mine.known_from[[number]]
        )
        weeks = weeks_of(past, settings.calendar, series, gap, np.ones(len(gap)), settings.rises.weeks)
        reach_in = np.arange(1, settings.rises.weeks + 1)[None, :] * 7 * SLOTS_A_DAY < silent
        found = look(weeks, np.ones(1), reach_in)
        known, total, factor = int(found.weeks[0]), float(found.total[0]), float(weeks.factor[0])
        if known < settings.rises.min_weeks or not total:
            return None
        scatter = float(self._scatter(at_us)[number])
        chance = (known / (known + factor)) ** (total / scatter)
        if chance > (settings.rises.keep_probability if held else self.level):
            return None
        from_us = (int(slots[-1]) + 1 - silent) * SLOT_US
        return Finding(
            series=series[0],
            window="none",
            from_us=from_us,
            to_us=at_us,
            since_us=from_us,
            observed=0,
            expected=float(found.expected[0]),
            probability=chance,
            severity=settings.silence.severity,
        )

    def _scatter(self, at_us: int) -> Floats:
        """The overdispersion of the weeks before this day, by series; of the time before it fell silent."""
        day = at_us // DAY_US
        if self._dispersion is None or self._dispersion[0] != day:
            end, weeks = day * SLOTS_A_DAY, self._settings.rises.weeks
            seen = self._seen_before(end)
            silent = [
                (number, int(seen[number]) + 1, end) for number in map(int, np.flatnonzero(end - seen > SLOTS_A_DAY))
            ]
            self._dispersion = day, dispersion(self._past, end, weeks, DAY_BLOCK, silent)
        return self._dispersion[1]


def judge_rejects(
    settings: AlertSettings, series: Sequence[Series], past: Past, observed: Floats, at_us: int, firing: Firing = ()
) -> list[Finding]:
    """Sources of which more events are refused than usual; observed: refused in the fast window, by series (`name`: the source).

    Compared with the same clock time of the days before: refused events are kept for two weeks by default. The fast window
    of rises; one look a minute.
    """
    rejects = settings.rejects
    within = bounds(settings, "fast", at_us)
    enough: Bools = observed >= rejects.min_events
    if not rejects.enabled or not enough.any():
        return []
    weights, days = within.weights, rejects.days
    weeks = weeks_of(past, settings.calendar, list(series), within.slots, weights, days, step_days=1)
    today = (at_us - 1) // DAY_US * SLOTS_A_DAY
    scatter = dispersion(past, today, days, HOUR_BLOCK, period=SLOTS_A_DAY)
    found = look(weeks, scatter)
    chances = probability(observed, found, weeks, scatter)
    share = settings.false_alerts.a_day * settings.false_alerts.share_rejects
    level = share / (len(series) * looks_a_day("fast"))
    held = np.array([(each, "fast") in firing for each in series], dtype=np.bool_)
    new = enough & (found.weeks >= settings.rises.min_weeks) & (observed >= found.expected * rejects.min_ratio)
    new &= (chances <= level) | (held & (chances <= settings.rises.keep_probability))
    return [
        Finding(
            series=series[number],
            window="fast",
            from_us=within.from_us,
            to_us=within.to_us,
            since_us=within.from_us,
            observed=float(observed[number]),
            expected=float(found.expected[number]),
            probability=float(chances[number]),
            severity=rejects.severity,
        )
        for number in map(int, np.flatnonzero(new))
    ]
