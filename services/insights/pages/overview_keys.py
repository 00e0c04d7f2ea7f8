"""The key figures of the overview: each with its change against the period before, and a judgement in plain words."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal

from msgspec import Struct

from services.insights.figures.figure import Ask, Figure, shown
from services.insights.figures.intervals import (
    Estimate,
    difference,
    mean_difference,
    rate,
    reading,
    share_difference,
)
from services.insights.figures.overview_demand import FAILURE_DEMAND, demand_sums
from services.insights.figures.overview_journeys import (
    BEGUN,
    COMPLETED,
    COMPLETION,
    DIGITAL_TAKE_UP,
    FORMS,
    in_short,
)
from services.insights.figures.overview_periods import BEFORE, NOW, TwoPeriods, two_periods
from services.insights.figures.overview_points import CONTACTS_IN_ALL, POINTS_PER_1000, point_dispersion, point_rate
from services.insights.figures.overview_ratio import ratio
from services.insights.figures.overview_satisfaction import GOOD, LEVELS, MIDDLING, MIN_RATINGS, SATISFACTION, ratings
from services.insights.figures.table import Table
from services.insights.filters import Filters

Verdict = Literal["better", "worse", "no_difference", "unknown", "nothing_before", "none"]
"""`none` where more is neither better nor worse."""
Level = Literal["good", "middling", "bad", ""]
Record = Mapping[str, Any]


class Key(Struct, frozen=True, kw_only=True):
    """One key figure. `value` is `None` where it is not known, `hidden` where it stays unshown.

    kind: how the value is written: `share`, `rate`, `score` or `number`. before: the value of the period before, where it is shown.
    counted: which of the table's kinds was taken ('' where there is one). now: the row of this period.
    """

    figure: Figure
    table: Table
    kind: str
    value: float | None
    hidden: bool
    before: float | None
    verdict: Verdict
    counted: str = ""
    level: Level = ""
    now: Record = {}

    @property
    def change(self) -> float | None:
        """The value less the one before."""
        return None if self.value is None or self.before is None else self.value - self.before


def keys(ask: Ask) -> dict[str, Callable[[], Key]]:
    """How each key figure is made, by its name, in the order of the page."""
    periods = two_periods(ask)
    return {name: partial(make, ask, periods) for name, make in _KEYS.items()}


def _key(
    figure: Figure, found: Table, column: str, kind: str, estimate: Callable[[], Estimate | None], *, more_is_better: bool,
    counted: str = "", level: Level = "",
) -> Key:  # fmt: skip
    now, before = _row(found, NOW, counted), _row(found, BEFORE, counted)
    value, earlier = now["record"].get(column), before["record"].get(column)
    return Key(
        figure=figure,
        table=found,
        kind=kind,
        value=value,
        hidden=column in now["withheld"],
        before=earlier,
        verdict=_verdict(value, earlier, _has(found, BEFORE), estimate, more_is_better=more_is_better),
        counted=counted,
        level=level,
        now=now["record"],
    )


def _row(found: Table, period: str, counted: str) -> dict[str, Any]:
    for row, record in zip(found.rows, found.records(), strict=True):
        if record["period"] == period and record.get("counted", "") == counted:
            return {"record": record, "withheld": row.withheld}
    return {"record": {}, "withheld": frozenset()}


def _has(found: Table, period: str) -> bool:
    return period in found.column("period")


def _verdict(
    value: float | None, before: float | None, has_before: bool, estimate: Callable[[], Estimate | None], *, more_is_better: bool
) -> Verdict:  # fmt: skip
    if value is None:
        return "unknown"
    if not has_before:
        return "nothing_before"
    change = None if before is None else estimate()
    said = reading(None if change is None else change.interval)
    if said in {"unknown", "no_difference"}:
        return "unknown" if said == "unknown" else "no_difference"
    return "better" if (said == "higher") == more_is_better else "worse"


def _both(first: Estimate | None, second: Estimate | None) -> Estimate | None:
    return None if first is None or second is None else difference(first, second)


def _of_both(periods: TwoPeriods, make: Callable[[str, Filters], Estimate | None]) -> Estimate | None:
    return None if periods.before is None else _both(make(NOW, periods.now), make(BEFORE, periods.before))


def _contacts(ask: Ask, periods: TwoPeriods) -> Key:
    """How many there are; the change stands in the note."""
    del periods
    found = shown(CONTACTS_IN_ALL, ask)
    now, before = _row(found, NOW, "")["record"], _row(found, BEFORE, "")["record"]
    return Key(
        figure=CONTACTS_IN_ALL, table=found, kind="number", value=now["contacts"], hidden=False, before=None, verdict="none",
        now={**now, "before": before.get("per_day")},
    )  # fmt: skip


def _demand(ask: Ask, periods: TwoPeriods) -> Key:
    found = shown(FAILURE_DEMAND, ask)
    return _key(
        FAILURE_DEMAND, found, "share", "share",
        lambda: _of_both(periods, lambda _, each: ratio(demand_sums(ask.store, each))),
        more_is_better=False,
    )  # fmt: skip


def _per_1000(ask: Ask, periods: TwoPeriods) -> Key:
    """How points cluster by journey is taken from the period that has more of them, for both."""

    def estimate() -> Estimate | None:
        rates = [(filters, point_rate(ask.store, filters)) for _, filters in periods.named()]
        filters, most = max(rates, key=lambda each: each[1].points)
        dispersion = point_dispersion(ask.store, filters, most.points)
        now, before = (rate(each.points, each.contacts / 1_000, dispersion=dispersion) for _, each in rates)
        return _both(now, before)

    found = shown(POINTS_PER_1000, ask)
    return _key(POINTS_PER_1000, found, "per_1000", "rate", estimate, more_is_better=False)


def _completion(ask: Ask, periods: TwoPeriods) -> Key:
    """Of online forms where their ends arrive, else of cases."""
    found = shown(COMPLETION, ask)
    known = [str(each["counted"]) for each in found.records() if each["period"] == NOW and each["share"] is not None]
    counted = known[0] if known else FORMS

    def estimate(name: str, _: Filters) -> Estimate | None:
        found = in_short(ask.store, periods)[name]
        return ratio(found.forms if counted == FORMS else found.cases)

    return _key(
        COMPLETION, found, "share", "share", lambda: _of_both(periods, estimate), more_is_better=True, counted=counted
    )


def _take_up(ask: Ask, periods: TwoPeriods) -> Key:
    """Of completed journeys where ends arrive, else of those begun."""
    found = shown(DIGITAL_TAKE_UP, ask)
    known = [str(each["counted"]) for each in found.records() if each["period"] == NOW and each["share"] is not None]
    counted = COMPLETED if COMPLETED in known else BEGUN

    def estimate() -> Estimate | None:
        if periods.before is None:
            return None
        counts = [
            (each.completed_online, each.completed) if counted == COMPLETED else (each.begun_online, each.begun)
            for each in in_short(ask.store, periods).values()
        ]
        return share_difference(counts[0], counts[1])

    return _key(DIGITAL_TAKE_UP, found, "share", "share", estimate, more_is_better=True, counted=counted)


def _satisfaction(ask: Ask, periods: TwoPeriods) -> Key:
    """No verdict on fewer than `MIN_RATINGS`."""
    found = shown(SATISFACTION, ask)

    def estimate() -> Estimate | None:
        if periods.before is None:
            return None
        pair = [ratings(ask.store, each) for each in (periods.now, periods.before)]
        if min(each.count for each in pair) < MIN_RATINGS:
            return None
        sums = [(each.count, each.total, each.squares) for each in pair]
        return mean_difference(sums[0], sums[1])

    score = _row(found, NOW, "")["record"].get("score")
    count = _row(found, NOW, "")["record"].get("ratings")
    level: Level = ""
    if score is not None and count is not None and count >= MIN_RATINGS:
        level = "good" if score >= GOOD else "middling" if score >= MIDDLING else "bad"
    return _key(SATISFACTION, found, "score", "score", estimate, more_is_better=True, level=level)


_KEYS: Final[dict[str, Callable[[Ask, TwoPeriods], Key]]] = {
    "contacts": _contacts,
    "demand": _demand,
    "per_1000": _per_1000,
    "completion": _completion,
    "take_up": _take_up,
    "satisfaction": _satisfaction,
}


class RatingShare(Struct, frozen=True):
    """One level of the ratings: its share in per cent, and where its part of the bar begins."""

    level: int
    start: float
    width: float


def rating_bar(key: Key) -> list[RatingShare]:
    """The parts of the bar of levels, from bad to good; empty where any is not shown."""
    counts = [key.now.get(f"rated_{level}") for level in LEVELS]
    known = [count for count in counts if count is not None]
    total = sum(known)
    if len(known) < len(LEVELS) or not total:
        return []
    parts, start = [], 0.0
    for level, count in zip(LEVELS, known, strict=True):
        width = round(100 * count / total, 2)
        parts.append(RatingShare(level, round(start, 2), width))
        start += width
    return parts
