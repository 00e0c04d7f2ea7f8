"""Asks figures directly, without HTTP."""

from typing import Any

from services.insights.figures.figure import Ask, Figure, shown
from services.insights.filters import Filters
from shared.detection.settings import DEFAULTS, RuleBook
from shared.store.client import Store
from tests.insights.seed import instant_us


def ask(store: Store, first: str, last: str, *, minimum: int = 1, cost: int = 0, filters: dict[str, Any] | None = None,
        **parameters: str) -> Ask:  # fmt: skip
    """A question over the days from `first` to `last`, the last excluded."""
    edges = {"from_us": instant_us(f"{first}T00:00:00Z"), "to_us": instant_us(f"{last}T00:00:00Z")}
    return Ask(
        store=store,
        filters=Filters(**{**edges, **(filters or {})}),
        book=RuleBook(DEFAULTS, 1),
        now_us=instant_us("2026-11-22T09:00:00Z"),
        small_cell_min=minimum,
        parameters=parameters,
        contact_cost_cents=cost,
    )


def records(figure: Figure, asked: Ask) -> list[dict[str, Any]]:
    """The rows of a figure as they may be shown."""
    return [*shown(figure, asked).records()]
