"""How long a round of judging takes: 10,000 series, their past of eight weeks, one core."""

import time
from pathlib import Path

import numpy as np

from services.alerts.calendar_clock import MINUTE_US
from services.alerts.judging_rises import RiseJudge
from shared.journey.instants import HOUR_US
from tests.alerts_judging.made_up import DAY, MINUTES_A_DAY, made_up, names, settings
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes

POINTS_A_SLOT = 0.5
BROKEN = 100


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """The first round of a day (what scatters is estimated in it), one as a quarter hour begins, and one within it.

    At ten in the morning, where counts are highest; one series in a hundred has risen tenfold, so that findings are made.
    """
    del folder
    series = sizes.alert_series
    rise = np.ones((series, MINUTES_A_DAY))
    rise[:: max(1, series // BROKEN), 9 * 60 :] = 10
    past, present = made_up(1, series, means=np.full(series, POINTS_A_SLOT), rise=rise)
    first, quarter, within = [], [], []
    for _ in range(sizes.repetitions):
        judge = RiseJudge(settings(), names(series), past)
        ten = DAY + 10 * HOUR_US
        first.append(_seconds(judge, present, ten))
        quarter.append(_seconds(judge, present, ten + 15 * MINUTE_US + MINUTE_US))
        within.append(_seconds(judge, present, ten + 17 * MINUTE_US))
    of = f"of {series:,} series"
    return [
        figure(f"alerts: a round {of}, within a quarter hour", within, "ms", "below 1,000 ms on one core"),
        figure(f"alerts: a round {of}, as a quarter hour begins", quarter, "ms", "below 1,000 ms on one core"),
        figure(f"alerts: the first round of a day {of}", first, "ms"),
    ]


def _seconds(judge: RiseJudge, present: object, at_us: int) -> float:
    start_s = time.thread_time()
    found = judge.judge(at_us, present)  # type: ignore[arg-type]
    spent_ms = (time.thread_time() - start_s) * 1_000
    assert found
    return spent_ms
