"""Days on which nothing happens: how often one gives a rise all the same. `make backtest` runs all of them.

Run as `python -m tests.alerts_judging.quiet_days [--days N] [--a-day BUDGET] [--scatter VARIANCE]`.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

from services.alerts.calendar_clock import MINUTE_US
from services.alerts.judging_rises import RiseJudge
from tests.alerts_judging.made_up import DAY, MINUTES_A_DAY, made_up, names, settings

DAYS: Final = 200
SERIES: Final = 100
MOST: Final = 18
"""Of 200 days: 10 are expected at the most; more than 18 have a probability of 1 % then."""
FIRST_SEED: Final = 6_000


def alerts_of(seed: int, a_day: float = 0.05, scatter: float = 0.0) -> int:
    """How many rises begin on the quiet day of the seed, judged every minute from its first to its last."""
    chosen = settings(f"[false_alerts]\na_day = {a_day}")
    past, present = made_up(seed, SERIES, scatter)
    judge = RiseJudge(chosen, names(SERIES), past)
    begun, firing = 0, frozenset[tuple[object, str]]()
    for minute in range(1, MINUTES_A_DAY + 1):
        found = frozenset((each.series, each.window) for each in judge.judge(DAY + minute * MINUTE_US, present, firing))
        begun += len(found - firing)
        firing = found
    return begun


def main() -> int:
    """Run the days on all processors; exit status 1 when more of them alert than may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--a-day", type=float, default=0.05)
    parser.add_argument("--scatter", type=float, default=0.0)
    given = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + given.days)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(partial(alerts_of, a_day=given.a_day, scatter=given.scatter), seeds, chunksize=5))
    alerting = {seed: count for seed, count in zip(seeds, counts, strict=True) if count}
    print(f"{given.days} quiet days of {SERIES} series: {len(alerting)} with an alert, {sum(counts)} alerts in all")
    print(f"accepted: {given.a_day:g} a day; most that passes for 200 days at 0.05: {MOST}")
    for seed, count in alerting.items():
        print(f"  seed {seed}: {count}")
    return int(given.days == DAYS and given.a_day == 0.05 and len(alerting) > MOST)


if __name__ == "__main__":
    sys.exit(main())
