"""How often the effect of a repair is judged rightly: the long version of `tests/insights_improvements/test_simulated.py`.

`python -m tests.benchmarks.improvements [repeats]` on made-up services; with `--store chdb:///folder` (a copy of a site's
ClickHouse folder: one process a folder) placebo starts in its data, where no repair is known.
"""

import argparse
import math
from collections import Counter
from collections.abc import Iterator

from services.insights.effect.judge import judge
from services.insights.effect.protocol import READINGS_WEEKS, WEEK, Effect, Series, Study
from services.insights.figures.improvements_scope import Scope, day_of, scope_of
from services.insights.figures.improvements_series import read_study
from services.insights.figures.summaries import extent
from shared.journey.instants import DAY_US
from shared.registry.improvements import ImprovementValues
from shared.store.client import Store
from tests.insights_improvements.simulation import Service, repeated, study, tally

SIZES = (1.0, 3.0, 10.0, 30.0)
SCATTERS = ((0.0, 0.0), (0.2, 0.6), (0.2, 0.9))
RATIOS = (1.0, 0.8, 0.7, 0.5)


def simulate(repeats: int) -> None:
    """A line for each size, scatter, length and true ratio: coverage of the interval, verdicts, half width on the log scale."""
    print(
        "points a day | excess, kept | weeks after | comparison | true ratio | covered | improved | worsened | half width"
    )
    for size in SIZES:
        for excess, kept in SCATTERS:
            service = Service(points_a_day=size, excess=excess, kept=kept)
            for weeks_after in (4, 13, 26):
                for comparison in (0.0, 4.0):
                    for ratio in RATIOS:
                        _line(service, weeks_after, comparison, ratio, repeats)


def _line(service: Service, weeks_after: int, comparison: float, ratio: float, repeats: int) -> None:
    made = repeated(
        repeats,
        int(1_000 * ratio),
        lambda random: study(
            random, service, weeks_after=weeks_after, comparison=comparison, log_ratio=math.log(ratio)
        ),
    )
    found = list(made)
    if not any(each.ratio for each in found):
        return
    told = tally(iter(found), ratio)
    print(
        f"{service.points_a_day:4.0f} | {service.excess:.1f}, {service.kept:.1f} | {weeks_after:2} | {comparison:.0f} | {ratio:.1f} | "
        f"{told.covered:.3f} | {told.improved:.3f} | {told.worsened:.3f} | {told.median_width:.2f}",
        flush=True,
    )


def placebos(dsn: str, step_days: int) -> None:
    """Starts every so many days over all data: how the last reading and any of the four came out."""
    store = Store(dsn, 1_024, 60)
    found = extent(store)
    if found is None:
        return
    first, last = found.first_us // DAY_US + 26 * WEEK, found.end_us // DAY_US - READINGS_WEEKS[-1] * WEEK
    for rule in (None, "repeat_contact"):
        final, ever = Counter[str](), Counter[str]()
        for start in range(first, last, step_days):
            values = ImprovementValues(title="placebo", owner="nobody", since=day_of(start), rule=rule)
            verdicts = [each.verdict for each in _readings(store, scope_of(values))]
            final[verdicts[-1]] += 1
            ever.update({verdict for verdict in verdicts if verdict in {"improved", "worsened"}})
        print(f"{rule or 'all rules'}: last reading {dict(final)}; at any reading {dict(ever)}")


def _readings(store: Store, scope: Scope) -> Iterator[Effect]:
    start = scope.first_start
    first, end = start - 26 * WEEK, start + READINGS_WEEKS[-1] * WEEK
    whole = read_study(store, scope, first, end)
    for weeks in READINGS_WEEKS:
        length = (26 + weeks) * WEEK
        cut = tuple(
            Series(name=each.name, start=each.start, points=each.points[:length], contacts=each.contacts[:length])
            for each in whole.series
        )
        yield judge(Study(first_day=first, series=cut))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repeats", nargs="?", type=int, default=500)
    parser.add_argument("--store")
    parser.add_argument("--step-days", type=int, default=14)
    given = parser.parse_args()
    if given.store:
        placebos(given.store, given.step_days)
    else:
        simulate(given.repeats)
