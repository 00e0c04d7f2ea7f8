"""One round: all conditions of a site judged at an instant of event time. Pure; docs/alerts/judging.md.

A round may be as often as one likes: looks within a minute (or a quarter hour) are one look at a window that only grows.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from services.alerts.calendar_clock import Floats
from services.alerts.counts import Past, Present
from services.alerts.judging_levels import Share, ThresholdSeries, judge_lag, judge_level, judge_threshold
from services.alerts.judging_rises import Alerted, RiseJudge
from services.alerts.judging_streams import SilenceJudge, judge_rejects
from services.alerts.settings import AlertSettings
from shared.alerts.finding import Finding, Series


class Counted(Struct, frozen=True):
    """Series of one kind and their past, numbered alike."""

    series: Sequence[Series]
    past: Past


class Sight(Struct, frozen=True, kw_only=True):
    """What a round sees besides the past.

    present: journeys touched, numbered as the points' series; met: these, and those met since the past was read, of which no
    rise is known yet (empty: none was). shares: by name of the service level. rejected: refused events of the fast window, by the
    rejects' series. lag_s: by stream.
    """

    present: Present
    met: Sequence[Series] = ()
    shares: Mapping[str, Share] = {}
    rejected: Floats | None = None
    lag_s: Mapping[str, float] = {}


def nothing_counted() -> Counted:
    """No series at all."""
    none = np.zeros(0, dtype=np.int64)
    return Counted((), Past(none, none, np.zeros(0), none))


class Judge:
    """Judges rounds against one past; make another when the past was read again."""

    def __init__(
        self,
        settings: AlertSettings,
        points: Counted,
        events: Counted,
        rejects: Counted,
        alerted: Sequence[Alerted] = (),
    ) -> None:
        self._settings = settings
        self._points = points
        self._rejects = rejects
        self._rises = RiseJudge(settings, points.series, points.past, alerted)
        self._silence = SilenceJudge(settings, events.series, events.past)
        self._thresholds = ThresholdSeries(settings.thresholds)

    def judge(self, at_us: int, sight: Sight, before: Sequence[Finding] = ()) -> list[Finding]:
        """What a person should look at now, in order of series. `before`: what the round before found."""
        settings = self._settings
        firing = {(each.series, each.window) for each in before}
        late = judge_lag(settings, sight.lag_s, at_us)
        found = [*late, *self._rises.judge(at_us, sight.present, firing)]
        summed = zip(settings.thresholds, self._thresholds.numbers(sight.met or self._points.series), strict=True)
        calendar = settings.calendar
        thresholds = (judge_threshold(each, numbers, sight.present, at_us, calendar) for each, numbers in summed)
        levels = (
            judge_level(each, sight.shares[each.name], at_us, calendar)
            for each in settings.service_levels
            if each.name in sight.shares
        )
        found += [each for each in (*thresholds, *levels) if each is not None]
        if not late:  # while data are late, nobody knows whether a channel is silent
            found += self._silence.judge(at_us, firing)
        if sight.rejected is not None:
            found += judge_rejects(settings, self._rejects.series, self._rejects.past, sight.rejected, at_us, firing)
        return continued(sorted(found, key=lambda each: (each.series, each.window)), before)

    def leave_out(self, alerted: Alerted) -> None:
        """Take a span in which a series alerted out of what is usual."""
        self._rises.leave_out(alerted)

    def hear(self, heard: Mapping[Series, int]) -> None:
        """Say in which slot each channel last sent anything, of those heard of since the past was read."""
        self._silence.hear(heard)

    def unknown(self, at_us: int) -> int:
        """How many series cannot be judged yet, for want of past weeks: to be said."""
        return self._rises.unknown(at_us) if self._points.series else 0


def continued(findings: Sequence[Finding], before: Sequence[Finding]) -> list[Finding]:
    """The findings, those that go on with the instant from which they were first found."""
    since = {(each.series, each.window): each.since_us for each in before}
    return [
        replace(each, since_us=min(since.get((each.series, each.window), each.since_us), each.since_us))
        for each in findings
    ]
