"""What is fixed before anyone looks at a repair's figures, and the shapes that go in and come out.

Days are whole numbers: days since 1970. Everything here is declared in `docs/designers/improvements.md`.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

WEEK: Final = 7
WEEKS_BEFORE: Final = 26
"""Weeks before the first start that are looked at, at most: an older past says little about what would have come."""
MIN_WEEKS_BEFORE: Final = 8
READINGS_WEEKS: Final = (4, 8, 13, 26)
"""Weeks after the first start at which the figures are read. Between them the verdict stands still: whoever reads every day
finds, sooner or later, a day on which chance looks like success."""
MIN_WEEKS_OF_UNIT: Final = 4
"""A unit that started later than so many weeks before the reading counts as not yet repaired, up to its start."""
SETTLING_DAYS: Final = 7
"""Days after a start that are left out: points may then still stem from what happened before it (rules look back 7 days)."""
MIN_POINTS_BEFORE: Final = 30
MIN_POINTS_EXPECTED: Final = 15
"""After the start, if nothing had changed: the rate before times the contacts after."""
MIN_DAYS_SHARE: Final = 0.6
"""Of the days before, and of those after, how many must have contacts (services closed at weekends have 0.71)."""
MIN_POINTS_COMPARED: Final = 60
"""Points of the comparison group, before and after together; a smaller one would add more noise than it takes away."""
PEAK_WEEKS: Final = 4
"""Where the weeks just before the start were unusually bad, they are left out: they would have passed by themselves."""
VOLUME_CHANGE: Final = 0.25
"""From which change of the contacts per week on a reader is warned."""

Verdict = Literal["too_early", "improved", "worsened", "no_change_seen", "not_observable"]

ReasonName = Literal[
    "weeks_after", "points_expected", "few_weeks_before", "few_points_before", "gaps_before", "gaps_after",
    "no_contacts_after", "rule_not_observed", "started_at_a_peak", "peak_kept", "no_comparison", "comparison_used",
    "comparison_small", "volume_changed", "units_waiting", "season_not_known", "rules_changed", "annotation", "other_improvement",
    "final", "interval_wide",
]  # fmt: skip


class Reason(Struct, frozen=True):
    """Why a verdict is as it is, or what to know with it: a name, and the figures that its sentence needs."""

    name: ReasonName
    values: Mapping[str, float | str] = {}


class Series(Struct, frozen=True, kw_only=True):
    """Points and contacts (exposure) of each day of the study, of the units that started on one day.

    `start` is that day; `None` for the comparison group. A day without contacts says nothing about the rate.
    """

    name: str
    start: int | None
    points: tuple[int, ...]
    contacts: tuple[int, ...]


class Study(Struct, frozen=True, kw_only=True):
    """What is known: one series a start, at most one comparison, all over the same days from `first_day` on.

    Only whole days belong in it: its last day is over, and loaded.
    """

    first_day: int
    series: tuple[Series, ...]

    @property
    def treated(self) -> tuple[Series, ...]:
        """The repaired units, by start."""
        return tuple(sorted((each for each in self.series if each.start is not None), key=_start))

    @property
    def comparison(self) -> Series | None:
        """The units that nothing was done to."""
        return next((each for each in self.series if each.start is None), None)

    @property
    def end_day(self) -> int:
        """The day after the last."""
        return self.first_day + max((len(each.points) for each in self.series), default=0)


def _start(series: Series) -> int:
    return series.start or 0


class Span(Struct, frozen=True):
    """Which days are used: `[begin, end)` in days since 1970.

    active: so many series, the first ones, have started long enough ago; of the others only the days before are used.
    peaks: for each repaired series the day from which on the weeks before its start are left out, if they are.
    """

    begin: int
    end: int
    active: int
    peaks: tuple[int | None, ...]


class Interval(Struct, frozen=True):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class Week(Struct, frozen=True, kw_only=True):
    """A week, or several, counted from the first start, of all repaired units together.

    expected: points that the model expects without the repair, with the range in which 95 of 100 such weeks would lie;
    `None` where there is no estimate. used: whether the estimate rests on it (not: settling in, a peak, after the reading). weeks: how many.
    """

    start: int
    weeks: int
    points: int
    contacts: int
    expected: Interval | None
    started_share: float
    used: bool
    compared_points: int | None
    compared_contacts: int | None


class Effect(Struct, frozen=True, kw_only=True):
    """What can be said of a repair at a reading.

    ratio: the rate of points with the repair over the rate expected without it. avoided_per_week: points, negative where
    there are more. Both `None` where nothing can be said. reading: the day up to which (excluded) the figures were read;
    next_reading: the day after whose eve they are read again; `None` when they are final.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    reading: int | None
    next_reading: int | None
    ratio: Interval | None = None
    avoided_per_week: Interval | None = None
    points_before: int = 0
    points_after: int = 0
    expected_after: float | None = None
    weeks_before: float = 0.0
    weeks_after: float = 0.0
    compared: bool = False
    weeks: tuple[Week, ...] = ()


def readings(first_start: int, last_start: int) -> list[int]:
    """The days on which a repair is read; the last of them ends its watch."""
    days = {first_start + WEEK * weeks for weeks in READINGS_WEEKS}
    return sorted(days | {last_start + WEEK * READINGS_WEEKS[-1]})
