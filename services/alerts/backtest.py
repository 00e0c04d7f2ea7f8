"""The past judged again, round by round in its own time: what would have fired, when, and for how long. Pure.

Rounds are a minute apart where anything could begin or end in the fast window, else a quarter hour: no count can rise
without a point. Lag cannot be judged afterwards: how late data were is not kept.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, Floats
from services.alerts.counts import SeriesTable, Touch, TouchCounts
from services.alerts.judging import Counted, Judge, Sight
from services.alerts.judging_levels import Share, level_window
from services.alerts.judging_rises import Alerted
from services.alerts.settings import AlertSettings
from shared.alerts.finding import Finding, Series
from shared.journey.instants import SECOND_US

_MINUTES: Final = SLOT_US // MINUTE_US
_Key = tuple[Series, str]


class Fired(Struct, frozen=True):
    """What would have fired: from the first round that found it to the first that did not (`None`: it still did at the end).

    worst: the finding that was least probable by chance, or furthest off where nothing is compared.
    """

    worst: Finding
    from_us: int
    to_us: int | None

    @property
    def series(self) -> Series:
        """What was watched."""
        return self.worst.series


class Outcome(Struct, frozen=True, kw_only=True):
    """What a backtest found. left_out: series that were not watched, since there are too many."""

    fired: list[Fired]
    rounds: int
    series: int
    left_out: int


class Replayed(Struct, frozen=True, kw_only=True):
    """What is replayed. shares: by service level and slot. The points' table is that of `points.series`, and complete."""

    table: SeriesTable
    touches: Iterable[Touch]
    points: Counted
    events: Counted
    rejects: Counted
    shares: Mapping[str, Mapping[int, Share]] = {}


class Backtest:
    """One run over a span; `fired` grows as it goes."""

    def __init__(self, settings: AlertSettings, past: Replayed) -> None:
        self._settings = settings
        self._past = past
        self._judge = Judge(settings, past.points, past.events, past.rejects)
        self._present = TouchCounts(past.table)
        self._touches = iter(past.touches)
        self._next = next(self._touches, None)
        self._recent: deque[int] = deque()
        self._waiting: deque[Touch] = deque()
        self._before: list[Finding] = []
        self._open: dict[_Key, Fired] = {}
        self.fired: Final[list[Fired]] = []
        self.rounds = 0

    def run(self, from_us: int, to_us: int) -> Iterator[int]:
        """Judges the span; gives each slot's end when it is done, so that a caller can show how far it is."""
        for slot in range(from_us // SLOT_US, -(-to_us // SLOT_US)):
            start = slot * SLOT_US
            self._present.forget_before(start - self._reach_us())
            steps = range(1, _MINUTES + 1) if self._is_busy(start) else (_MINUTES,)
            for minute in steps:
                self._round(start + minute * MINUTE_US)
            yield start + SLOT_US
        self.fired.extend(self._open.values())
        self.fired.sort(key=lambda each: (each.from_us, each.series))

    def _reach_us(self) -> int:
        """How far back any window reaches."""
        longest = max((each.window_min for each in self._settings.thresholds), default=0)
        return max(self._settings.rises.slow_h * 60, longest, 60) * MINUTE_US + SLOT_US

    def _is_busy(self, start_us: int) -> bool:
        """Whether a fast window or a threshold may begin or end within the slot."""
        rises = self._settings.rises
        self._take_until(start_us + SLOT_US, keep=True)
        while self._recent and self._recent[0] < start_us - rises.fast_min * MINUTE_US:
            self._recent.popleft()
        waiting = any(each.window == "fast" or each.series.condition == "threshold" for each in self._before)
        enough = len(self._recent) >= max(rises.min_excess, rises.min_citizens)
        return waiting or enough or (bool(self._settings.thresholds) and bool(self._recent))

    def _take_until(self, instant_us: int, *, keep: bool) -> None:
        """Note the times of the touches before the instant (`keep`: they are counted by a later round)."""
        while self._next is not None and self._next.time_us < instant_us:
            self._recent.append(self._next.time_us)
            self._waiting.append(self._next)
            self._next = next(self._touches, None)
        if not keep:
            while self._waiting and self._waiting[0].time_us < instant_us:
                self._present.add(self._waiting.popleft())

    def _round(self, at_us: int) -> None:
        self._take_until(at_us, keep=False)
        self.rounds += 1
        sight = Sight(present=self._present, shares=self._shares(at_us), rejected=self._rejected(at_us))
        found = self._judge.judge(at_us, sight, self._before)
        self._note(at_us, found)
        self._before = found

    def _note(self, at_us: int, found: list[Finding]) -> None:
        now: dict[_Key, Finding] = {(each.series, each.window): each for each in found}
        for key, finding in now.items():
            open_ = self._open.get(key)
            worst = finding if open_ is None or _is_worse(finding, open_.worst) else open_.worst
            self._open[key] = Fired(worst, at_us if open_ is None else open_.from_us, None)
        for key in list(self._open.keys() - now.keys()):
            ended = self._open.pop(key)
            self.fired.append(Fired(ended.worst, ended.from_us, at_us))
            if ended.series.condition == "rise":
                self._judge.leave_out(Alerted(ended.series, ended.worst.since_us, at_us))

    def _shares(self, at_us: int) -> dict[str, Share]:
        """The service levels' windows, added up."""
        found = {}
        for level in self._settings.service_levels:
            from_us, to_us = level_window(level, at_us, self._settings.calendar)
            of_level = self._past.shares.get(level.name, {})
            slots = [of_level[slot] for slot in range(from_us // SLOT_US, to_us // SLOT_US) if slot in of_level]
            found[level.name] = Share(sum(each.kept for each in slots), sum(each.total for each in slots))
        return found

    def _rejected(self, at_us: int) -> Floats | None:
        """Refused events of the last whole slots as long as the fast window: only they are kept by slot."""
        rejects = self._past.rejects
        if not rejects.series or at_us % SLOT_US:
            return None
        last = at_us // SLOT_US - 1
        return np.asarray(rejects.past.sums(last + 1 - self._settings.rises.fast_min // _MINUTES, last))


def joined(fired: Iterable[Fired], within_s: int) -> list[Fired]:
    """The same with what came back within so many seconds told as one: so the lifecycle reopens an alert."""
    latest: dict[_Key, Fired] = {}
    whole: list[Fired] = []
    for each in sorted(fired, key=lambda one: one.from_us):
        key = each.series, each.worst.window
        last = latest.get(key)
        if last is not None and last.to_us is not None and each.from_us - last.to_us <= within_s * SECOND_US:
            whole.remove(last)
            worst = each.worst if _is_worse(each.worst, last.worst) else last.worst
            each = Fired(worst, last.from_us, each.to_us)  # noqa: PLW2901 - the joined one takes its place
        latest[key] = each
        whole.append(each)
    return sorted(whole, key=lambda one: (one.from_us, one.series))


def _is_worse(one: Finding, other: Finding) -> bool:
    if one.probability is not None and other.probability is not None:
        return one.probability < other.probability
    return one.observed > other.observed
