"""Satisfaction: what people answered when they were asked."""

from typing import Final

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.overview_periods import NAMES, two_periods
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import received

LEVELS: Final = (1, 2, 3, 4, 5)
MIN_RATINGS: Final = 100
"""A verdict needs as many; below, only the figures stand."""
GOOD, MIDDLING = 8.0, 5.0
"""Of the score from 0 to 10: from here on good, and middling."""


class Ratings(dict[int, int]):
    """Ratings per level; `total` and `squares` add up the ratings as they were given."""

    total = 0.0
    squares = 0.0

    @property
    def count(self) -> int:
        """All ratings."""
        return sum(self.values())


def ratings(store: Store, filters: Filters) -> Ratings:
    """The ratings of one period, rounded to whole levels, with their sums: from what is asked for `rule_statuses` on the same page."""
    found = Ratings(dict.fromkeys(LEVELS, 0))
    for row in answer(store, received(filters)):
        level = int(row["rating_level"])
        if level:
            found[level] += int(row["events"])
            found.total += float(row["ratings"])
            found.squares += float(row["squares"])
    return found


def score(found: Ratings) -> float | None:
    """From 0 to 10: 10 for each good rating (4, 5), 5 for each middling (3), 0 for each bad (1, 2)."""
    return (10 * (found[4] + found[5]) + 5 * found[3]) / found.count if found.count else None


def _satisfaction(ask: Ask) -> Table:
    periods = two_periods(ask)
    return table(
        (
            Column(name="period", title=N_("Period"), kind="text", words=NAMES),
            Column(name="ratings", title=N_("Ratings"), kind="count", small_cells=True),
            Column(name="score", title=N_("Score from 0 to 10"), kind="rate", of="ratings"),
            Column(name="mean", title=N_("Mean from 1 to 5"), kind="decimal", of="ratings"),
            *(
                Column(name=f"rated_{level}", title=title, kind="count", small_cells=True, of="ratings")
                for level, title in zip(LEVELS, _LEVEL_TITLES, strict=True)
            ),
        ),
        [_row(name, ratings(ask.store, filters)) for name, filters in periods.named()],
        whole=False,
        notes=periods.notes(),
    )


_LEVEL_TITLES: Final = (N_("Rated 1"), N_("Rated 2"), N_("Rated 3"), N_("Rated 4"), N_("Rated 5"))


def _row(period: str, found: Ratings) -> tuple[Value, ...]:
    if not found.count:
        return period, *([None] * 8)
    return period, found.count, score(found), found.total / found.count, *(found[level] for level in LEVELS)


SATISFACTION: Final = Figure(
    name="satisfaction",
    title=N_("Satisfaction"),
    definition=N_(
        "Ratings from 1 to 5 that people gave. The score gives 10 for each good rating (4 or 5), 5 for each middling one (3), 0 "
        "for each bad one (1 or 2), as the French observatory of service quality does; a verdict is only given from 100 ratings "
        "on: good from 8, middling from 5."
    ),
    compute=_satisfaction,
)
FIGURES: Final = (SATISFACTION,)
