"""What stands around the figures of every page: filters, period, how fresh the data are."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct, structs
from starlette.requests import Request

from services.insights.api.figures import make_ask
from services.insights.context import Context
from services.insights.figures.figure import Ask
from services.insights.figures.once import OnceStore, side_by_side
from services.insights.figures.summaries import Choices, History, Month, choices, extent, history, loaded_streams
from services.insights.filters import PAGE_FILTER_NAMES, Filters, only_known, read_filters
from services.insights.observability import rules_not_observable
from services.insights.pages.backlog import is_behind
from services.insights.pages.period import Period, choose_period, everything, latest_months, usual_period
from services.insights.ports import Store
from shared.journey.instants import HOUR_US


class Frame(Struct, frozen=True, kw_only=True):
    """`asked`: the filters of the address; `filters`: the same over the period that is shown.

    presets: the usual period, and all; `None` where nothing is under the filters. newer: the latest months, where the page
    shows older ones by itself. options: the page's own parameters as they stand in the address, none of them empty.
    store: answers each question of the page once, its own and those of its figures.
    not_observable: the rules that cannot be observed under the filters, asked for by pages that say so in one line.
    """

    path: str
    store: Store
    asked: Filters
    filters: Filters
    period: Period
    presets: tuple[Period, Period] | None
    newer: Period | None
    history: History | None
    choices: Choices
    loaded_us: int | None
    loader_alive: bool
    behind: bool
    options: dict[str, str]
    not_observable: Callable[[], list[str]] = list

    def ask(self, context: Context, **parameters: str) -> Ask:
        """The question of this page to a figure; `parameters` besides (or in place of) the page's own."""
        ask = make_ask(context, self.filters, {**self.options, **parameters})
        return structs.replace(ask, store=self.store)


def read_frame(context: Context, request: Request, path: str, *options: str) -> Frame | None:
    """The frame of a request for a page with these parameters of its own; `None` on an empty platform.

    Raises `Problem` 422 for a parameter that is not known, or a value that no filter takes.
    """
    only_known(request.query_params, (*PAGE_FILTER_NAMES, *options, "lang"))
    asked = read_filters(request.query_params)
    store = OnceStore(context.store)
    parts = side_by_side(
        {
            "history": partial(history, store, asked),
            "choices": partial(choices, store),
            "streams": partial(loaded_streams, store),
        }
    )
    found: History | None = parts["history"]
    if found is None and extent(store) is None:
        return None
    period = choose_period(asked, found or _history_of_all(context, store))
    filters = asked.on(period.from_us, period.to_us)
    streams = parts["streams"]
    return Frame(
        path=path,
        store=store,
        asked=asked,
        filters=filters,
        period=period,
        presets=None if found is None else (usual_period(found), everything(found)),
        newer=latest_months(found) if found and not period.chosen and found.end_us > period.to_us else None,
        history=found,
        choices=parts["choices"],
        loaded_us=max((each["at_us"] for each in streams.values()), default=None),
        loader_alive=context.loading.alive(),
        behind=is_behind(context.loading.lag(), streams, context.settings.partitions),
        options={name: value for name in options if (value := request.query_params.get(name))},
        not_observable=lambda: rules_not_observable(store, filters, context.rules()),
    )


def _history_of_all(context: Context, store: Store) -> History:
    """Where nothing is under the filters: the time that the platform's data span."""
    found = extent(store)
    first_us, end_us = (found.first_us, found.end_us) if found else (context.clock() - HOUR_US, context.clock())
    return History(first_us, end_us, [Month(end_us - 1, 1)])
