"""How often the method is right, on made-up services with a weekly pattern whose days resemble their neighbours.

Seeds are fixed; bounds leave room for the few repetitions of a quick run. `tests.benchmarks.improvements` is the long version.
"""

import math

import pytest

from services.insights.effect.judge import judge
from services.insights.effect.protocol import READINGS_WEEKS, WEEK, Series, Study
from tests.insights_improvements.simulation import Random, Service, repeated, study, tally

REPEATS = 80
SERVICES = {
    "quiet": Service(points_a_day=2, excess=0.1, kept=0.3),
    "usual": Service(points_a_day=10, excess=0.2, kept=0.6),
    "restless": Service(points_a_day=20, excess=0.3, kept=0.85),
}


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("comparison", [0.0, 4.0])
def test_intervals_hold_the_truth(name: str, comparison: float):
    """Close to 95 of 100 intervals hold the true ratio; of placebo starts few look like an improvement."""
    found = tally(repeated(REPEATS, 11, lambda random: study(random, SERVICES[name], comparison=comparison)))
    assert found.told == REPEATS
    assert found.covered >= 0.9
    assert found.improved <= 0.07


def test_a_real_effect_is_found_and_held():
    """30 % fewer points of ten a day: the interval holds it, and half a year shows it mostly."""
    truth = 0.7
    made = SERVICES["quiet"], SERVICES["usual"]
    quiet, usual = (
        tally(
            repeated(
                REPEATS // 2,
                12,
                lambda random, each=each: study(random, each, weeks_after=26, log_ratio=math.log(truth)),
            ),
            truth,
        )
        for each in made
    )
    assert usual.covered >= 0.9
    assert usual.improved > 0.5
    assert usual.worsened == 0
    assert quiet.improved < usual.improved


def test_staggered_starts_see_more():
    """Three units that start four weeks apart see a small effect more surely than one start of all."""
    service = SERVICES["usual"]
    truth = math.log(0.8)
    together = tally(
        repeated(40, 13, lambda random: study(random, Service(points_a_day=30), weeks_after=26, log_ratio=truth)), 0.8
    )
    staggered = tally(
        repeated(40, 13, lambda random: study(random, service, weeks_after=26, later_starts=(28, 56), log_ratio=truth)),
        0.8,
    )
    assert staggered.median_width < together.median_width
    assert staggered.improved >= together.improved
    assert staggered.covered >= 0.9


def test_looking_at_every_reading_does_not_find_success_by_chance():
    """Of placebo starts read four times, hardly more than one in twenty ever looks like an improvement."""
    service = SERVICES["usual"]

    def ever(random: Random) -> bool:
        made = study(random, service, weeks_after=READINGS_WEEKS[-1])
        verdicts = []
        for weeks in READINGS_WEEKS:
            length = (26 + weeks) * WEEK
            cut = tuple(
                Series(name=each.name, start=each.start, points=each.points[:length], contacts=each.contacts[:length])
                for each in made.series
            )
            verdicts.append(judge(Study(first_day=made.first_day, series=cut)).verdict)
        return "improved" in verdicts

    import numpy as np

    assert sum(ever(np.random.default_rng((14, number))) for number in range(60)) <= 5


def test_starts_at_peaks_do_not_pass_for_success():
    """Repairs begun after the four worst weeks of a half year look successful no more often than others."""
    service = Service(points_a_day=10, excess=0.3, kept=0.9)

    def at_the_worst(random: Random) -> Study:
        made = study(random, service, weeks_before=52, weeks_after=13)
        one = made.series[0]
        sums = [sum(one.points[day - 28 : day]) / max(sum(one.contacts[day - 28 : day]), 1) for day in range(182, 364)]
        start = 182 + sums.index(max(sums))
        end = start + 91
        cut = Series(name="a", start=made.first_day + start, points=one.points[:end], contacts=one.contacts[:end])
        return Study(first_day=made.first_day, series=(cut,))

    found = tally(repeated(REPEATS // 2, 15, at_the_worst))
    assert found.improved <= 0.1
