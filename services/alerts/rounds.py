"""What rounds are judged with: the past, the judge of it, and what the rounds before found."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Final

from msgspec import Struct

from services.alerts.calendar_clock import SLOT_US
from services.alerts.counts import Present
from services.alerts.counts_query import read_level
from services.alerts.engine_state import MAX_ALERTED
from services.alerts.judging import Judge, Sight
from services.alerts.judging_levels import Share, level_window
from services.alerts.judging_rises import Alerted, bounds
from services.alerts.known_past import KnownPast, PastReader
from services.alerts.live import Live
from services.alerts.settings import AlertSettings
from shared.alerts.alert import Alert
from shared.alerts.finding import Finding, Series
from shared.journey.instants import HOUR_US, SECOND_US
from shared.store.client import Store

REFRESH_US: Final = HOUR_US
LEVELS_US: Final = 60 * SECOND_US
"""Service levels are asked of ClickHouse so often."""
RETRY_US: Final = 60 * SECOND_US
"""A past that could not be read is read again after so long."""
GROWN_US: Final = 5 * SECOND_US
GROWN_ROUNDS: Final = 20
"""Rises of series that are new are judged after so long, or so many times what a round takes: to take them in, what is known of the past
is worked out again. Thresholds count them at once."""


class Judged(Struct, frozen=True):
    """findings, and the series that would have one if nothing had been taken back."""

    findings: list[Finding]
    corrected: frozenset[Series]


class Rounds:
    """Judges what is live against the past, which is read again every hour in a thread of `background`; belongs to one thread."""

    def __init__(
        self, store: Store, settings: AlertSettings, background: Executor, clock_us: Callable[[], int]
    ) -> None:
        self._store = store
        self._reader = PastReader(store, settings)
        self._settings = settings
        self._background = background
        self._clock_us = clock_us
        self._reading: Future[KnownPast] | None = None
        self._read_us = 0
        self._judged_with = (0, 0)
        self._grown_us = 0
        self._shares: dict[str, Share] = {}
        self._shares_us: int | None = None
        self.took_us = 0
        self.found: list[Finding] = []
        self.alerted: list[Alerted] = []

    def begin(self, found: Sequence[Finding], alerted: Sequence[Alerted]) -> KnownPast:
        """Read the past, and go on from what the last round found. Raises `StoreError`."""
        self.found, self.alerted = list(found), list(alerted)
        self._read_us = self._clock_us()
        self._past = self._reader.read(self._read_us)
        self._renew()
        return self._past

    def refresh(self, live: Live) -> bool:
        """Take in the past if it was read again, and have it read when it is an hour old. Raises what reading raised."""
        now_us = self._clock_us()
        taken = False
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            if reading.exception() is not None:
                self._read_us = now_us - REFRESH_US + RETRY_US
            self._past = reading.result()
            live.points.use(self._past.point_table)
            live.rejects.use(self._past.reject_table)
            self._renew()
            taken = True
        elif self._reading is None and not 0 <= now_us - self._read_us < REFRESH_US:
            self._read_us = now_us
            self._reading = self._background.submit(self._reader.read, now_us)
        return taken

    def judge(self, live: Live, at_us: int, alerts: Sequence[Alert]) -> Judged:
        """What is to be looked at, at this instant of event time. alerts: those there are. Raises `StoreError`."""
        present = live.points
        self._take_in()
        self._judge.hear(live.heard)
        window = bounds(self._settings, "fast", at_us)
        rejected = live.rejected(window.from_us, window.to_us)[: self._judged_with[1]]
        lag_s = live.lag_s(self._clock_us())
        shares = self._levels(at_us)

        def sight(counts: Present) -> Sight:
            met = self._past.point_table.series
            return Sight(present=counts, met=met, shares=shares, rejected=rejected, lag_s=lag_s)

        before = self.found
        findings = self._judge.judge(at_us, sight(present), before)
        corrected: frozenset[Series] = frozenset()
        missing = _missing(findings, before, alerts)
        if missing and present.taken_back():
            kept = self._judge.judge(at_us, sight(present.as_if_kept()), before)
            corrected = frozenset(each.series for each in kept) & missing
        self._note(findings, at_us)
        return Judged(findings, corrected)

    @property
    def series(self) -> int:
        """How many series of points are watched."""
        return self._judged_with[0]

    @property
    def left_out(self) -> int:
        """How many are not, since there are too many."""
        return self._past.point_table.left_out

    def unknown(self, at_us: int) -> int:
        """How many cannot be judged yet, for want of past weeks."""
        return self._judge.unknown(at_us)

    def _take_in(self) -> None:
        """Judge series that were met since, too."""
        there = len(self._past.point_table.series), len(self._past.reject_table.series)
        now_us = self._clock_us()
        wait_us = max(GROWN_US, GROWN_ROUNDS * self.took_us)
        if there != self._judged_with and not 0 <= now_us - self._grown_us < wait_us:
            self._grown_us = now_us
            self._renew()

    def _renew(self) -> None:
        points, rejects = self._past.points_now(), self._past.rejects_now()
        self._judge = Judge(self._settings, points, self._past.events, rejects, self.alerted)
        self._judged_with = len(points.series), len(rejects.series)

    def _levels(self, at_us: int) -> Mapping[str, Share]:
        """The service levels, at most a minute old, or of a window that ended since."""
        if (
            self._shares_us is None
            or not 0 <= at_us - self._shares_us < LEVELS_US
            or _slot_ended(self._shares_us, at_us)
        ):
            for level in self._settings.service_levels:
                within = level_window(level, at_us, self._settings.calendar)
                slots = read_level(self._store, level, *within, imported=False).values()
                self._shares[level.name] = Share(sum(each.kept for each in slots), sum(each.total for each in slots))
            self._shares_us = at_us
        return self._shares

    def _note(self, findings: list[Finding], at_us: int) -> None:
        """A rise that has ended is no measure of what is usual."""
        going_on = {(each.series, each.window) for each in findings}
        for each in self.found:
            if each.series.condition == "rise" and (each.series, each.window) not in going_on:
                alerted = Alerted(each.series, each.since_us, at_us)
                self.alerted.append(alerted)
                self._judge.leave_out(alerted)
        first_us = at_us - (self._settings.rises.weeks + 2) * 7 * 24 * HOUR_US
        if self.alerted and self.alerted[0].to_us < first_us:
            self.alerted = [each for each in self.alerted if each.to_us >= first_us]
        del self.alerted[:-MAX_ALERTED]
        self.found = findings


def _slot_ended(before_us: int, now_us: int) -> bool:
    return before_us // SLOT_US != now_us // SLOT_US


def _missing(findings: Sequence[Finding], before: Sequence[Finding], alerts: Sequence[Alert]) -> frozenset[Series]:
    """Series that were found, by the round before or by an open alert, and are not any more."""
    known = {each.series for each in before}
    known |= {each.series for alert in alerts if alert.state != "resolved" for each in alert.findings}
    return frozenset(known - {each.series for each in findings})
