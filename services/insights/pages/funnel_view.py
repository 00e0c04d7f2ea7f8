"""What the page of funnels shows, made ready for its template from the figures' tables."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from msgspec import Struct

from services.insights.charts.columns import bar_share
from services.insights.charts.whiskers import Scale, Whisker
from services.insights.figures.funnel_steps import Node, Step
from services.insights.figures.intervals import Interval
from services.insights.figures.table import Table

MAX_LABELS: Final = 40
MAX_SINGLE: Final = 80


class StepView(Struct, frozen=True):
    """One step: its values by column name, what of them is withheld, its bar in per cent, and the times that lead to it."""

    values: dict[str, Any]
    withheld: frozenset[str]
    bar: float
    earlier_bar: float
    times: dict[str, Any]

    @property
    def lost(self) -> float | None:
        """The share of those at the step before that does not come here."""
        share = self.values["share"]
        return None if share is None else 1 - share


class Part(Struct, frozen=True):
    """One way in: its steps by number, and where the share that comes to the last lies on an axis from 0 to 1."""

    name: str
    steps: list[StepView]
    whisker: Whisker | None


def steps(funnel: Table, times: Table) -> list[StepView]:
    """All journeys, then the steps; bars are in per cent of the first step's journeys."""
    timed = {record["number"]: record for record in times.records()}
    return _views(funnel, timed)


def _views(found: Table, timed: dict[Any, dict[str, Any]]) -> list[StepView]:
    records = found.records()
    first = records[1]["journeys"] if len(records) > 1 else None
    earlier = records[1].get("earlier_journeys") if len(records) > 1 else None
    return [
        StepView(
            record,
            row.withheld,
            _bar(record["journeys"], first),
            _bar(record.get("earlier_journeys"), earlier),
            timed.get(record["number"], {}),
        )
        for record, row in zip(records, found.rows, strict=True)
    ]


def _bar(journeys: Any, first: Any) -> float:
    return 0.0 if not journeys or not first else min(bar_share(journeys, first), 100.0)


def parts(found: Table) -> list[Part]:
    """The funnels of the breakdown, in the order of the table."""
    parts = []
    scale = Scale(0.0, 1.0)
    rows = zip(found.records(), found.rows, strict=True)
    for name, group in groupby(rows, key=lambda pair: pair[0]["name"]):
        views = [StepView(record, row.withheld, 0.0, 0.0, {}) for record, row in group]
        parts.append(Part(str(name), views, _whisker(views[-1].values, scale)))
    return parts


def _whisker(values: dict[str, Any], scale: Scale) -> Whisker | None:
    share = values["share_of_first"]
    if share is None:
        return None
    return scale.whisker(share, Interval(values["share_of_first_low"], values["share_of_first_high"]))


def choices(labels: Sequence[Node], single: Sequence[Node], chosen: Sequence[Step]) -> list[tuple[str, list[Step]]]:
    """What a select offers: per channel (first whatever channel) the most frequent steps, and what is chosen already."""
    offered: dict[str, list[Step]] = {"any": [node.step for node in labels[:MAX_LABELS]]}
    for node in single[:MAX_SINGLE]:
        offered.setdefault(node.channel, []).append(node.step)
    for step in chosen:
        if step not in offered.setdefault(step.channel, []):
            offered[step.channel].append(step)
    return list(offered.items())
