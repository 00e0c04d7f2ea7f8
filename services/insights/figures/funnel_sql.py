"""The questions of funnels: how far each journey comes along the steps, and how long it takes."""

# ruff: noqa: S608 - what is put into these statements are numbers and names of this module; values are bound
from typing import Any, Final

from msgspec import Struct

from services.insights.figures.funnel_steps import ANY, LABELS, Step
from services.insights.figures.journey_filters import journeys_where
from services.insights.filters import Filters
from services.insights.queries import MAX_GROUPS, Question
from shared.journey.instants import DAY_US

LOOSE: Final = "loose"
STRICT: Final = "strict"
ORDERS: Final = (LOOSE, STRICT)
BY_ENTRY: Final = "entry"
BY_TERRITORY: Final = "territory"
_GROUPS: Final = {BY_ENTRY: "entry_channel", BY_TERRITORY: "territory"}
BREAKDOWNS: Final = tuple(_GROUPS)


class Funnel(Struct, frozen=True, kw_only=True):
    """What is asked of the journeys under the filters: steps in order, how strictly, within how many days of the first."""

    filters: Filters
    steps: tuple[Step, ...]
    order: str = LOOSE
    window_days: int | None = None


def levels(funnel: Funnel) -> Question:
    """One row: all journeys, then per step those that come so far, and of the times between steps median and 90th percentile.

    Columns: `journeys`, `reached` (one number a step), `between` and `since` (per step from the second: [median, p90] of the
    seconds since the step before, and since the first).
    """
    inner, parameters = _attempts(funnel, "''")
    count = len(funnel.steps)
    reached = ", ".join(f"countIf(far >= {step})" for step in range(1, count + 1))
    between = ", ".join(_spread(step, step - 1) for step in range(2, count + 1))
    since = ", ".join(_spread(step, 1) for step in range(2, count + 1))
    return Question(
        f"SELECT count() AS journeys, [{reached}] AS reached, [{between}] AS between, [{since}] AS since FROM ({inner})",
        parameters,
    )


def levels_by(funnel: Funnel, breakdown: str) -> Question:
    """Per channel of entry, or per territory: all journeys and those that come as far as each step."""
    inner, parameters = _attempts(funnel, _GROUPS[breakdown])
    reached = ", ".join(f"countIf(far >= {step})" for step in range(1, len(funnel.steps) + 1))
    return Question(
        f"""
        SELECT name, count() AS journeys, [{reached}] AS reached FROM ({inner})
        GROUP BY name ORDER BY journeys DESC, name LIMIT {MAX_GROUPS}""",
        parameters,
    )


def _spread(step: int, before: int) -> str:
    seconds = f"(at_us[{step}] - at_us[{before}]) / 1000000"
    return f"quantilesExactInclusiveIf(0.5, 0.9)({seconds}, far >= {step})"


def _attempts(funnel: Funnel, name: str) -> tuple[str, dict[str, Any]]:
    """Rows of journeys: `name`, how far each comes (`far`), and the times of its steps in the attempt that counts.

    Every event of the first step begins an attempt, which takes for each further step the first event after the step before
    (`strict`: only the very next), as long as it lies within the window. The attempt that comes furthest counts; of several,
    the first.
    """
    where, parameters = journeys_where(funnel.filters)
    places, chains = [], ["p1 AS c1"]
    for number, step in enumerate(funnel.steps, 1):
        on = "" if step.channel == ANY else f" AND a_channel = {{channel{number}:String}}"
        places.append(
            f"arrayFilter((place, a_label, a_channel) -> a_label = {{label{number}:String}}{on}, "
            f"arrayEnumerate(labels), labels, channel) AS p{number}"
        )
        parameters[f"label{number}"] = step.label
        if on:
            parameters[f"channel{number}"] = step.channel
        if number > 1:
            chains.append(_chain(number, funnel))
    if funnel.window_days is not None:
        parameters["window_us"] = funnel.window_days * DAY_US
    count = range(1, len(funnel.steps) + 1)
    names = ", ".join(f"x{each}" for each in count)
    depth = " + ".join(f"(x{each} > 0)" for each in count)
    times = ", ".join(f"toUnixTimestamp64Micro(at[c{each}[attempt]])" for each in count)
    return (
        f"""
        SELECT name, far, [{times}] AS at_us
        FROM (
            SELECT name, at, {", ".join(chains)},
                arrayMap(({names}) -> {depth}, {", ".join(f"c{each}" for each in count)}) AS depths,
                arrayMax(depths) AS far, indexOf(depths, far) AS attempt
            FROM (
                SELECT {name} AS name, at, {", ".join(places)}
                FROM (SELECT entry_channel, territory, at, channel, {LABELS} AS labels FROM journeys FINAL {where})))""",
        parameters,
    )


def _chain(number: int, funnel: Funnel) -> str:
    """Per attempt the place of its event of this step, 0 where it does not come so far."""
    here, before = f"p{number}", f"c{number - 1}"
    following = (
        f"if(has({here}, place + 1), place + 1, 0)"
        if funnel.order == STRICT
        else f"arrayFirst(later -> later > place, {here})"
    )
    found = f"arrayMap(place -> if(place = 0, 0, {following}), {before})"
    if funnel.window_days is not None:
        within = "toUnixTimestamp64Micro(at[place]) - toUnixTimestamp64Micro(at[start]) <= {window_us:Int64}"
        found = f"arrayMap((place, start) -> if(place > 0 AND {within}, place, 0), {found}, c1)"
    return f"{found} AS c{number}"
