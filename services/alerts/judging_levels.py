"""What needs no past: thresholds, service levels that were announced, and lag. Pure; time is a parameter."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from scipy.special import bdtr

from services.alerts.calendar import Calendar
from services.alerts.calendar_clock import MINUTE_US, SLOT_US
from services.alerts.counts import Present
from services.alerts.settings import AlertSettings, ServiceLevel, Threshold
from shared.alerts.finding import Finding, Series
from shared.journey.instants import SECOND_US


class Share(Struct, frozen=True):
    """What a service level counted in its window: contacts (or announced dues) in all, and those that were kept."""

    kept: int
    total: int


def threshold_series(threshold: Threshold) -> Series:
    """The series of a threshold."""
    return Series(
        "threshold", threshold.rule, threshold.service, threshold.channel, threshold.territory, threshold.name
    )


class ThresholdSeries:
    """Which watched series each threshold sums up, by number.

    A threshold on any rule, service or channel counts each of its narrowest series: a journey that is touched in two of them
    counts twice.
    """

    def __init__(self, thresholds: Sequence[Threshold]) -> None:
        self._thresholds = thresholds
        self._by_service: dict[str, list[int]] = {}
        for place, each in enumerate(thresholds):
            self._by_service.setdefault(each.service, []).append(place)
        self._numbers: list[list[int]] = [[] for _ in thresholds]
        self._met = 0

    def numbers(self, series: Sequence[Series]) -> Sequence[Sequence[int]]:
        """Those of each threshold. `series`: the watched ones by number; since the last time they have only become more."""
        for number in range(self._met, len(series)):
            each = series[number]
            for place in (
                *self._by_service.get("", ()),
                *(self._by_service.get(each.service, ()) if each.service else ()),
            ):
                if _belongs(self._thresholds[place], each):
                    self._numbers[place].append(number)
        self._met = len(series)
        return self._numbers


def judge_threshold(
    threshold: Threshold, numbers: Sequence[int], present: Present, at_us: int, calendar: Calendar
) -> Finding | None:
    """Whether so many journeys were touched in the minutes before the instant; `numbers`: of the series that it sums up.

    Nothing counts that lies within a maintenance, or before it.
    """
    series = threshold_series(threshold)
    to_us = -(-at_us // MINUTE_US) * MINUTE_US
    from_us = calendar.judged_from(series, to_us - threshold.window_min * MINUTE_US, to_us)
    if from_us >= to_us:
        return None
    citizens = sum(present.citizens(number, from_us, to_us) for number in numbers)
    if citizens < threshold.at_least:
        return None
    return Finding(
        series=series,
        window="none",
        from_us=from_us,
        to_us=to_us,
        since_us=_first_counted(numbers, present, from_us, to_us),
        observed=citizens,
        expected=threshold.at_least,
        citizens=citizens,
        severity=threshold.severity,
    )


def _first_counted(numbers: Sequence[int], present: Present, from_us: int, to_us: int) -> int:
    """The first minute within the bounds in which anything of these series was counted; the end if nothing was."""
    first_us = to_us
    for number in numbers:
        if not present.citizens(number, from_us, first_us):
            continue
        nothing, something = 0, (first_us - from_us) // MINUTE_US
        while something - nothing > 1:
            middle = (nothing + something) // 2
            if present.citizens(number, from_us, from_us + middle * MINUTE_US):
                something = middle
            else:
                nothing = middle
        first_us = from_us + (something - 1) * MINUTE_US
    return first_us


def _belongs(threshold: Threshold, series: Series) -> bool:
    """Whether a watched series is one whose sum the threshold is on: exactly what it names, no part of another."""
    return (
        series.territory == threshold.territory
        and series.rule == (threshold.rule or series.rule)
        and series.service == (threshold.service or series.service)
        and (series.channel == threshold.channel if threshold.channel else _is_widest(series))
    )


def _is_widest(series: Series) -> bool:
    """Whether no other series over more channels is watched at the place: those over all channels have no territory."""
    return series.channel == "" or series.territory != ""


def level_series(level: ServiceLevel) -> Series:
    """The series of a service level."""
    return Series("service_level", "", level.service, level.channel, "", level.name)


def level_window(level: ServiceLevel, at_us: int, calendar: Calendar) -> tuple[int, int]:
    """The window of a service level: it ends with the last whole quarter hour before the instant.

    It begins after a maintenance that lies in it, and is empty while that lasts.
    """
    to_us = at_us // SLOT_US * SLOT_US
    from_us = calendar.judged_from(level_series(level), to_us - level.window_min * MINUTE_US, at_us)
    return min(from_us, to_us), to_us


def judge_level(level: ServiceLevel, share: Share, at_us: int, calendar: Calendar) -> Finding | None:
    """Whether the share lies below what was announced, by more than so few contacts would by chance (binomial)."""
    from_us, to_us = level_window(level, at_us, calendar)
    if from_us == to_us:
        return None
    if share.total < level.min_contacts or share.kept >= level.at_least * share.total:
        return None
    chance = float(bdtr(share.kept, share.total, level.at_least))
    if chance > level.probability:
        return None
    return Finding(
        series=level_series(level),
        window="none",
        from_us=from_us,
        to_us=to_us,
        since_us=from_us,
        observed=share.kept / share.total,
        expected=level.at_least,
        probability=chance,
        citizens=share.total - share.kept,
        severity=level.severity,
    )


def judge_lag(settings: AlertSettings, lag_s: Mapping[str, float], at_us: int) -> list[Finding]:
    """The streams whose readers are further behind than is accepted; `lag_s` by the name of the stream."""
    lag = settings.lag
    return [
        Finding(
            series=Series("lag", name=stream),
            window="none",
            from_us=at_us - round(behind_s * SECOND_US),
            to_us=at_us,
            since_us=at_us - round(behind_s * SECOND_US),
            observed=behind_s,
            expected=lag.warning_s,
            severity="critical" if behind_s > lag.critical_s else "warning",
        )
        for stream, behind_s in sorted(lag_s.items())
        if lag.enabled and behind_s > lag.warning_s
    ]
