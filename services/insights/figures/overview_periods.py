"""The period before: as long as the one shown, on the same days of the week."""

from typing import Final

from msgspec import Struct, structs

from services.insights.figures.figure import Ask
from services.insights.figures.summaries import history
from services.insights.filters import Filters
from services.insights.language import N_
from shared.journey.instants import DAY_US

NOW: Final = "now"
BEFORE: Final = "before"
NAMES: Final = {NOW: N_("this period"), BEFORE: N_("the period before")}
NOTHING_BEFORE: Final = N_("The data do not reach back over the whole period before: there is nothing to compare with.")
_WEEK_US: Final = 7 * DAY_US


class TwoPeriods(Struct, frozen=True):
    """The filters on the period shown, and on the one before; `before` is `None` where the data do not cover it.

    The data under the filters end at `data_end_us`.
    """

    now: Filters
    before: Filters | None
    data_end_us: int

    def named(self) -> list[tuple[str, Filters]]:
        """(name, filters) of each period that has data."""
        return [(NOW, self.now), *([(BEFORE, self.before)] if self.before else [])]

    def until_us(self, name: str) -> int:
        """Until when the events of a period are looked at: its end, or that of the data; of the one before, as long before."""
        end_us = min(self.now.to_us or self.data_end_us, self.data_end_us)
        if name == NOW or self.before is None:
            return end_us
        return end_us - (self.now.to_us or 0) + (self.before.to_us or 0)

    def notes(self) -> tuple[str, ...]:
        """What to say where nothing lies before."""
        return () if self.before else (NOTHING_BEFORE,)


def period_before(from_us: int, to_us: int) -> tuple[int, int]:
    """The latest stretch of the same length, before this one, that begins on the same day of the week and time of day."""
    weeks = -(-(to_us - from_us) // _WEEK_US)
    return from_us - weeks * _WEEK_US, to_us - weeks * _WEEK_US


def two_periods(ask: Ask) -> TwoPeriods:
    """The period asked for, its open ends closed by the data under the other filters, and the one before."""
    found = history(ask.store, ask.filters)
    if found is None:
        return TwoPeriods(ask.filters, None, ask.now_us)
    from_us = ask.filters.from_us
    to_us = ask.filters.to_us
    from_us = min(found.first_us, (to_us or found.end_us) - 1) if from_us is None else from_us
    to_us = max(found.end_us, from_us + 1) if to_us is None else to_us
    now = ask.filters.on(from_us, to_us)
    earlier_from_us, earlier_to_us = period_before(from_us, to_us)
    if earlier_from_us < found.first_us // DAY_US * DAY_US:
        return TwoPeriods(now, None, found.end_us)
    return TwoPeriods(now, structs.replace(now, from_us=earlier_from_us, to_us=earlier_to_us), found.end_us)
