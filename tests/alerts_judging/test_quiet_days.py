"""Ten of the two hundred quiet days; `make backtest` judges all of them."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.alerts_judging.power import found_share
from tests.alerts_judging.quiet_days import FIRST_SEED, alerts_of

SEEDS = range(FIRST_SEED, FIRST_SEED + 10)
"""The first ten, chosen before any of them was run."""


def test_ten_quiet_days_give_no_alert() -> None:
    """A hundred series judged every minute of ten days; with half an alert expected at the most, two would be a defect."""
    with ProcessPoolExecutor(2) as pool:
        counts = list(pool.map(alerts_of, SEEDS))
    assert sum(count > 0 for count in counts) <= 1


def test_days_that_differ_give_no_alert_either() -> None:
    """Volumes that change by a fifth from day to day, for all of a series' points alike, are learnt from its past."""
    assert sum(alerts_of(seed, scatter=0.04) > 0 for seed in SEEDS[:2]) == 0


@pytest.mark.parametrize(("usual", "factor"), [(1.0, 18.0), (5.0, 6.2), (20.0, 3.1), (100.0, 2.0)])
def test_the_power_that_is_stated_is_there(usual: float, factor: float) -> None:
    """With a hundred series, such a rise is found in its first quarter hour nine times of ten: docs/alerts/judging.md."""
    assert found_share(usual, factor, "fast", 100) >= 0.88
