"""Made-up services for the test of the method: a weekly pattern, days that resemble their neighbours, a repair of known effect."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.insights.effect.judge import judge
from services.insights.effect.protocol import WEEK, Effect, Series, Study

FIRST_DAY: Final = 20_000
_WEEKDAYS: Final = np.array([1.2, 1.1, 1.0, 1.0, 0.95, 0.35, 0.15])
_WARM_UP: Final = 60
_CONTACTS_A_POINT: Final = 10


class Service(Struct, frozen=True, kw_only=True):
    """points_a_day: on average. kept: how much of a day's excess the next day keeps. excess: the deviation of the log rate.

    drift: change of the log rate a year. common: how much of the excess all groups of a study share.
    """

    points_a_day: float = 5.0
    kept: float = 0.6
    excess: float = 0.2
    drift: float = 0.0
    common: float = 0.0


Random = np.random.Generator


def lasting(random: Random, days: int, service: Service) -> NDArray[Any]:
    """A first-order autoregression of deviation `excess`: what lasts from one day to the next."""
    shocks = random.normal(size=days + _WARM_UP) * np.sqrt(1 - service.kept**2)
    found = np.zeros(days + _WARM_UP)
    for place, shock in enumerate(shocks):
        found[place] = service.kept * found[place - 1] + shock
    return found[_WARM_UP:] * service.excess


def series(
    random: Random, service: Service, days: int, name: str, start: int | None, log_ratio: float, shared: NDArray[Any]
) -> Series:
    """Counts of one group; from its start on (days since the first) its rate is multiplied."""
    day = np.arange(days)
    own = lasting(random, days, service)
    log = np.sqrt(service.common) * shared + np.sqrt(1 - service.common) * own - service.excess**2 / 2
    log += service.drift * day / 365 + (0.0 if start is None else log_ratio * (day >= start))
    busy = service.points_a_day * _CONTACTS_A_POINT * _WEEKDAYS[day % WEEK]
    contacts = random.poisson(busy * np.exp(random.normal(0, 0.1, days)))
    points = random.poisson(contacts / _CONTACTS_A_POINT * np.exp(log))
    return Series(
        name=name,
        start=None if start is None else FIRST_DAY + start,
        points=tuple(int(each) for each in points),
        contacts=tuple(int(each) for each in contacts),
    )


def study(
    random: Random,
    service: Service,
    *,
    weeks_before: int = 26,
    weeks_after: int = 13,
    log_ratio: float = 0.0,
    later_starts: tuple[int, ...] = (),
    comparison: float = 0.0,
) -> Study:
    """A repair after `weeks_before`; `later_starts`: days after the first on which further units of the same size follow.

    comparison: the size of the comparison group, in units; 0: none.
    """
    days = (weeks_before + weeks_after) * WEEK
    first = weeks_before * WEEK
    shared = lasting(random, days, service)
    found = [
        series(random, service, days, f"unit {number}", first + later, log_ratio, shared)
        for number, later in enumerate((0, *later_starts))
    ]
    if comparison:
        other = Service(points_a_day=service.points_a_day * comparison, kept=service.kept, excess=service.excess,
                        common=service.common)  # fmt: skip
        found.append(series(random, other, days, "others", None, 0.0, shared))
    return Study(first_day=FIRST_DAY, series=tuple(found))


def repeated(count: int, seed: int, make: Callable[[Random], Study]) -> Iterator[Effect]:
    """The effects of so many made-up studies, the same for the same seed."""
    for number in range(count):
        yield judge(make(np.random.default_rng((seed, number))))


class Tally(Struct, frozen=True):
    """Shares of the studies: how many intervals hold the true ratio, and how many verdicts are of each kind."""

    covered: float
    improved: float
    worsened: float
    told: int
    median_width: float


def tally(effects: Iterator[Effect], true_ratio: float = 1.0) -> Tally:
    """How the method did."""
    found = list(effects)
    intervals = [each.ratio for each in found if each.ratio is not None]
    widths = [np.log(each.high / each.low) / 2 for each in intervals if each.low > 0]
    return Tally(
        covered=float(np.mean([each.low <= true_ratio <= each.high for each in intervals])),
        improved=float(np.mean([each.verdict == "improved" for each in found])),
        worsened=float(np.mean([each.verdict == "worsened" for each in found])),
        told=len(intervals),
        median_width=float(np.median(widths)) if widths else float("nan"),
    )
