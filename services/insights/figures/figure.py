"""A figure by name: how it is computed, what may be asked of it, and the one way to get it for whoever shows it."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from services.insights.figures.improvements_memory import Effects
from services.insights.figures.table import Table, withhold
from services.insights.filters import Filters
from services.insights.ports import Simulations, Store
from shared.detection.settings import RuleBook
from shared.registry.records import Records


class Parameter(Struct, frozen=True):
    """One query parameter besides the filters: its name, and what it means (English, for OpenAPI)."""

    name: str
    description: str


class Ask(Struct, frozen=True, kw_only=True):
    """What is asked: over which store, under which filters (period closed), with which parameters, by which rules.

    `parameters` are as they stand in the address; a figure reads its own and raises `Problem` 422 for what it cannot take.
    `now_us` is the time of the request, `small_cell_min` the site's limit.
    """

    store: Store
    filters: Filters
    book: RuleBook
    now_us: int
    small_cell_min: int
    parameters: Mapping[str, str] = {}
    simulations: Simulations | None = None
    contact_cost_cents: int = 0
    records: Records | None = None
    hour_cost_cents: int = 0
    effects: Effects | None = None

    def parameter(self, name: str) -> str | None:
        """The value of a parameter; `None` where it is absent or empty."""
        return self.parameters.get(name) or None


class Figure(Struct, frozen=True, kw_only=True):
    """One figure. `title` and `definition` are messages: its name, and in one or two sentences what is counted and how.

    `compute` gives the exact table; only `shown` may be shown.
    """

    name: str
    title: str
    definition: str
    compute: Callable[[Ask], Table]
    parameters: tuple[Parameter, ...] = ()


def shown(figure: Figure, ask: Ask) -> Table:
    """The figure as pages, API and exports may show it: small cells withheld."""
    return withhold(figure.compute(ask), ask.small_cell_min)
