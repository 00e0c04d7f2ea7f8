"""How large a rise is found: the table of docs/alerts/judging.md. Run as `python -m tests.alerts_judging.power`."""

from typing import Final

import numpy as np

from services.alerts.expected import chance
from services.alerts.judging_rises import RiseWindow, level
from tests.alerts_judging.made_up import settings

DRAWS: Final = 4_000
WEEKS: Final = 8
FAST_RATES: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 200.0)
SLOW_RATES: Final = (1.0, 5.0, 20.0, 100.0, 500.0, 2000.0)


def found_share(
    rate: float, factor: float, window: RiseWindow, series: int, wider: float = 1.0, scatter: float = 1.0
) -> float:
    """How often a window that lies wholly in the rise is found. rate: usual count of a window; scatter: overdispersion.

    The past of the window, and for the fast one of its hour, are drawn alike.
    """
    chosen = settings().rises
    random = np.random.default_rng(42)
    observed = random.poisson(rate * factor / scatter, DRAWS) * scatter
    own = random.poisson(WEEKS * rate / scatter, DRAWS) * scatter
    phi = np.full(DRAWS, scatter)
    chances = chance(observed, own, np.full(DRAWS, 1 / (1 + WEEKS)), phi)
    expected = own / WEEKS
    if window == "fast":
        hour = own + random.poisson(3 * WEEKS * rate / scatter, DRAWS) * scatter
        chances = np.maximum(chances, chance(observed, hour, np.full(DRAWS, 1 / (1 + 4 * WEEKS)), phi))
        expected = np.maximum(expected, hour / WEEKS / 4)
    enough = (observed >= max(chosen.min_excess, chosen.min_citizens)) & (observed >= chosen.min_ratio * expected)
    enough &= observed - expected >= chosen.min_excess
    return float((enough & (chances <= wider * level(settings(), window, series))).mean())


def least_factor(
    rate: float, power: float, window: RiseWindow, series: int, wider: float = 1.0, scatter: float = 1.0
) -> float:
    """The least rise that is found with the given probability."""
    low, high = 1.0, 4_000.0
    while high / low > 1.005:
        middle = (low * high) ** 0.5
        low, high = (
            (low, middle) if found_share(rate, middle, window, series, wider, scatter) >= power else (middle, high)
        )
    return high


def main() -> None:
    """Print the rows of the tables."""
    for window, rates in (("fast", FAST_RATES), ("slow", SLOW_RATES)):
        print(
            f"{window}: usual count | 100 series: 50 %, 90 % | 10,000 series: 50 %, 90 % | 100 series, level x 20, 90 %"
        )
        for rate in rates:
            factors = [least_factor(rate, power, window, series) for series in (100, 10_000) for power in (0.5, 0.9)]
            factors.append(least_factor(rate, 0.9, window, 100, wider=20))
            print(
                f"| {rate:g} | " + " | ".join(f"{each:.1f} ({rate * each:.0f})" for each in factors) + " |", flush=True
            )


if __name__ == "__main__":
    main()
