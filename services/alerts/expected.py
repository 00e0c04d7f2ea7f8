"""What was to be expected in a window: the same clock time of past weeks, and how much counts scatter by themselves.

Everything is vectorised over series; docs/alerts/judging.md explains the statistics.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from scipy.special import betainc

from services.alerts.calendar import Calendar
from services.alerts.calendar_clock import SLOTS_A_DAY, SLOTS_A_WEEK, SLOTS_AN_HOUR, Bools, Floats, Ints
from services.alerts.counts import Past
from shared.alerts.finding import Series

_FAR_ABOVE: Final = 1e-3
"""Chance that a week is left out as far above the others where nothing happened."""
_CHUNK: Final = 4_096
"""Series whose counts by hour of the week are held at once."""
_CAUTION: Final = 2.0
"""By so many of its own standard deviations the estimate of overdispersion is raised: one that is too low makes false alerts."""
_TRUE_SPREAD: Final = 0.25
"""Variance of the true overdispersion between the series of a site, as assumed in shrinking their estimates to the site's."""


class Weeks(Struct, frozen=True):
    """Past counts of a window, `[series, weeks]`; which of them may be used; what they are multiplied by; their exposure.

    exposure: how much longer than the window the past span of one week is.
    """

    counts: Floats
    usable: Bools
    factor: Floats
    exposure: float

    def of(self, rows: Ints) -> "Weeks":
        """Those of some series."""
        return Weeks(self.counts[rows], self.usable[rows], self.factor[rows], self.exposure)


class Look(Struct, frozen=True):
    """One comparison, by series: weeks used, their total, the expected count, and the probability by chance."""

    weeks: Ints
    total: Floats
    expected: Floats


def sums_of_windows(past: Past, sources: Ints, weights: Floats) -> Floats:
    """The weighted sums `[series, weeks]` of the past slots `[weeks, slots]`; weights by slot `[slots]`, or `[series, slots]`."""
    found = np.zeros((past.size, sources.shape[0]))
    plain = weights.ndim == 1 and bool(np.all(weights == 1))
    for week, slots in enumerate(sources):
        if plain:
            # In runs: a clock that is changed leaves a slot out, or has it twice.
            for run in np.split(slots, np.flatnonzero(np.diff(slots) != 1) + 1):
                found[:, week] += past.sums(int(run[0]), int(run[-1]))
            continue
        for place, slot in enumerate(slots):
            if np.any(weights[..., place]):
                found[:, week] += past.sums(int(slot), int(slot)) * weights[..., place]
    return found


def weeks_of(
    past: Past,
    calendar: Calendar,
    series: list[Series],
    slots: Ints,
    weights: Floats,
    weeks: int,
    exposure: float = 1.0,
    step_days: int = 7,
) -> Weeks:
    """The past weeks (or other steps) of the present slots, weighted; `weights` is `[slots]`, 0 to 1."""
    met = weights > 0
    slots, weights = slots[met], weights[met]
    sources, comparable = calendar.sources(slots, weeks, step_days)
    counts = sums_of_windows(past, sources, weights)
    known = past.known_from[:, None] <= sources.min(axis=1)[None, :]
    every: Bools = np.all(comparable, axis=1, keepdims=False)
    usable = known & every[None, :] & ~calendar.left_out(series, sources)
    factors = calendar.factors(series, slots)
    if factors is None:
        return Weeks(counts, usable, np.ones(past.size), exposure)
    raised = sums_of_windows(past, sources, factors * weights)
    total, raised_total = (counts * usable).sum(axis=1), (raised * usable).sum(axis=1)
    factor = np.where(total > 0, raised_total / np.maximum(total, 1e-300), factors.max(axis=1))
    return Weeks(counts, usable, factor, exposure)


def chance(observed: Floats, total: Floats, share: Floats, dispersion: Floats) -> Floats:
    """The probability of at least `observed` now, given `total` in the past, where now is `share` of the whole exposure.

    The exact conditional test of two Poisson rates: P(Bin(x + X, share) >= x) = I_share(x, X + 1), both counts divided by
    the overdispersion. Source: Przyborowski and Wilenski (1940); McCullagh and Nelder (1989) for the division.
    """
    now = np.maximum(observed, 0) / dispersion
    return np.where(observed > 0, betainc(np.maximum(now, 1e-12), total / dispersion + 1, share), 1.0)


def look(weeks: Weeks, dispersion: Floats, extra_out: Bools | None = None) -> Look:
    """The weeks in use: without those of earlier alerts (`extra_out`), and without a single one far above the others."""
    usable = weeks.usable if extra_out is None else weeks.usable & ~extra_out
    usable = usable & ~_far_above(np.where(usable, weeks.counts, 0.0), usable, dispersion)
    number = usable.sum(axis=1)
    total = np.where(usable, weeks.counts, 0.0).sum(axis=1)
    expected = total * weeks.factor / np.maximum(number * weeks.exposure, 1)
    return Look(number, total, expected)


def probability(observed: Floats, found: Look, weeks: Weeks, dispersion: Floats) -> Floats:
    """The probability by chance of the observed counts, by series; 1 without any past week."""
    share = weeks.factor / (weeks.factor + found.weeks * weeks.exposure)
    return np.where(found.weeks > 0, chance(observed, found.total, share, dispersion), 1.0)


def _far_above(counts: Floats, usable: Bools, dispersion: Floats) -> Bools:
    """At most one week a series: the highest, where the others make it improbable; marked `[series, weeks]`."""
    number = usable.sum(axis=1)
    rows = np.arange(len(counts))
    highest = np.where(usable, counts, -1.0).argmax(axis=1)
    top = counts[rows, highest]
    others = counts.sum(axis=1) - top
    improbable = chance(top, others, 1 / np.maximum(number, 2), dispersion) * number < _FAR_ABOVE
    out = np.zeros(counts.shape, dtype=np.bool_)
    out[rows, highest] = improbable & (number >= 4)
    return out


Span = tuple[int, int, int]
"""Of a series (its number), from a slot to a slot, the latter excluded."""


def dispersion(
    past: Past, end: int, weeks: int, block: int, left_out: Sequence[Span] = (), period: int = SLOTS_A_WEEK
) -> Floats:
    """How much more than Poisson the counts of blocks of slots scatter, by series: at least 1.

    The variance between the weeks of one block of the week, over its mean, added up over all blocks; of the estimates that leave
    one week out, the smallest (one incident does not raise it); shrunk to the site's, the more the less a series tells; its
    excess over 1 raised by two standard deviations.
    Blocks of the week that a span of `left_out` meets in any week tell nothing. period: another length than a week, in slots.
    """
    begin = max(end - weeks * period, int(past.slots[0]) if len(past.slots) else end)
    number = (end - begin) // period
    if number < 3:
        return np.ones(past.size)
    first_slot = end - number * period
    rows = past.between(first_slot, end)
    blocks = period // block
    age, place = np.divmod(np.arange(number * period - 1, -1, -1, dtype=np.int64), period)
    cells = place // block * number + age  # of each slot, from the first
    at = cells[rows.slots - first_slot]
    counts = rows.counts
    if left_out:
        counts = counts.copy()
        of = _rows_of(rows, sorted({series for series, _, _ in left_out}))
        for series, first, last in left_out:
            within = np.arange(max(first, first_slot), min(last, end)) - first_slot
            met, own = np.unique(cells[within] // number), of[series]
            counts[own[np.isin(at[own] // number, met)]] = 0.0
    raw, variance = np.ones(past.size), np.full(past.size, np.inf)
    for start in range(0, past.size, _CHUNK):
        stop = min(start + _CHUNK, past.size)
        mine = slice(None) if stop - start == past.size else (rows.series >= start) & (rows.series < stop)
        keys = (rows.series[mine] - start) * (blocks * number) + at[mine]
        sums = np.bincount(keys, counts[mine], minlength=(stop - start) * blocks * number).astype(np.float64)
        raw[start:stop], variance[start:stop] = _ratios(sums.reshape(stop - start, blocks, number))
    sure = variance < _TRUE_SPREAD / 2
    of_site = max(1.0, float(np.median(raw[sure]))) if sure.any() else 1.0
    trust = _TRUE_SPREAD / (_TRUE_SPREAD + variance)
    shrunk = np.where(np.isfinite(variance), trust * raw + (1 - trust) * of_site, of_site)
    unsure = np.sqrt(np.minimum(variance, _TRUE_SPREAD))
    found: Floats = 1 + np.maximum(shrunk - 1, 0) * (1 + _CAUTION * unsure)
    return found


def _rows_of(past: Past, series: Sequence[int]) -> Mapping[int, Ints]:
    """The rows of these series, few among many: all rows are looked through once."""
    told = np.zeros(past.size, dtype=np.bool_)
    told[list(series)] = True
    rows = np.flatnonzero(told[past.series])
    rows = rows[np.argsort(past.series[rows], kind="stable")]
    starts = np.searchsorted(past.series[rows], series)
    return dict(zip(series, np.split(rows, starts[1:]), strict=True))


def _ratios(counts: Floats) -> tuple[Floats, Floats]:
    """Of counts `[series, blocks, weeks]`: the smallest ratio of variance to mean without one week, and the estimate's variance."""
    kept = counts.shape[2] - 1
    totals, squares = counts.sum(axis=2), (counts**2).sum(axis=2)
    ratios = np.full((kept + 1, len(counts)), np.inf)
    for week in range(kept + 1):
        rest = totals - counts[:, :, week]
        spread = (squares - counts[:, :, week] ** 2 - rest**2 / kept).sum(axis=1) / (kept - 1)
        mean = rest.sum(axis=1) / kept
        np.divide(spread, mean, out=ratios[week], where=mean > 0)
    means = totals / (kept + 1)
    of_all = means.sum(axis=1)
    variance = np.full(len(counts), np.inf)
    np.divide(2 * (means**2).sum(axis=1) + of_all, (kept - 1) * of_all**2, out=variance, where=of_all > 0)
    raw = ratios.min(axis=0)
    return np.where(np.isfinite(raw), raw, 1.0), variance


def hours_of(calendar: Calendar, slots: Ints) -> Ints:
    """All slots of the hours by the local clock that the given slots lie in."""
    local = calendar.clock.local(slots)
    offset = slots - local
    first = int(local[0] // SLOTS_AN_HOUR * SLOTS_AN_HOUR)
    last = int(local[-1] // SLOTS_AN_HOUR * SLOTS_AN_HOUR + SLOTS_AN_HOUR)
    return np.arange(first, last, dtype=np.int64) + int(offset[0])


DAY_BLOCK: Final = SLOTS_A_DAY
HOUR_BLOCK: Final = SLOTS_AN_HOUR
