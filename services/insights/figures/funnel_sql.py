"""The questions of funnels: how far each journey comes along the steps, and how long it takes."""

# ruff: noqa: S608 - what is put into these statements are numbers and names of this module; values are bound
from typing import Any, Final

from msgspec import Struct

from services.insights.figures.funnel_steps import ANY, Step
from services.insights.figures.journey_filters import journeys_where
from services.insights.figures.journey_nodes import label_number, ways
from services.insights.filters import Filters
from services.insights.queries import MAX_GROUPS, Question
from shared.journey.instants import DAY_US
from shared.journey.node_numbers import LABEL_SHIFT, NODE_BITS, node_number

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
    seconds since the step before, and since the first); `entries`: per channel of entry its name, `journeys` and `reached`.
    """
    inner, parameters = _attempts(funnel, _GROUPS[BY_ENTRY], timed=True)
    later = range(2, len(funnel.steps) + 1)
    reached = ", ".join(f"countIf(far >= {step})" for step in _numbers(funnel))
    states = "".join(
        f", {_spread(step, step - 1)} AS between{step}, {_spread(step, 1)} AS since{step}" for step in later
    )
    between, since = (
        ", ".join(f"quantilesExactInclusiveMerge(0.5, 0.9)({name}{step})" for step in later)
        for name in ("between", "since")
    )
    return Question(
        f"""
        SELECT sum(found) AS journeys, sumForEach(reach) AS reached, [{between}] AS between, [{since}] AS since,
            groupArray((name::String, found, reach)) AS entries
        FROM (SELECT name, count() AS found, [{reached}] AS reach{states} FROM ({inner}) GROUP BY name)""",
        parameters,
    )


def levels_by(funnel: Funnel, breakdown: str) -> Question:
    """Per value of a breakdown: all journeys and those that come as far as each step. (Per channel of entry `levels` tells it, too.)"""
    inner, parameters = _attempts(funnel, _GROUPS[breakdown], timed=False)
    reached = ", ".join(f"sumIf(found, far >= {step})" for step in range(1, len(funnel.steps) + 1))
    return Question(
        f"""
        SELECT name, sum(found) AS journeys, [{reached}] AS reached FROM ({inner})
        GROUP BY name ORDER BY journeys DESC, name LIMIT {MAX_GROUPS}""",
        parameters,
    )


def _spread(step: int, before: int) -> str:
    seconds = f"(at_us[{step}] - at_us[{before}]) / 1000000"
    return f"quantilesExactInclusiveStateIf(0.5, 0.9)({seconds}, far >= {step})"


def _attempts(funnel: Funnel, name: str, *, timed: bool) -> tuple[str, dict[str, Any]]:
    """Rows of `found` journeys: `name`, how far each comes (`far`), and if `timed` when it was at the steps of the attempt that
    counts (`at_us`).

    Every event of the first step begins an attempt, which takes for each further step the first event after the step before
    (`strict`: only the very next), as long as it lies within the window. The attempt that comes furthest counts; of several,
    the first.
    """
    ways, parameters = _ways(funnel, name, timed=timed)
    for number, step in enumerate(funnel.steps, 1):
        parameters[f"label{number}"] = step.label
        if step.channel != ANY:
            parameters[f"channel{number}"] = step.channel
    times = ", ".join(f"toUnixTimestamp64Micro(at[s{number}])" for number in _numbers(funnel))
    depth = " + ".join(f"(s{number} > 0)" for number in _numbers(funnel))
    attempt = _only_attempt if funnel.order == LOOSE and funnel.window_days is None else _best_attempt
    return (
        f"SELECT name, found, {depth} AS far{f', [{times}] AS at_us' if timed else ''} FROM ({attempt(funnel, ways)})",
        parameters,
    )


def _ways(funnel: Funnel, name: str, *, timed: bool) -> tuple[str, dict[str, Any]]:
    """Rows of `found` journeys that went one `way` (nodes): one each where times matter (`at`)."""
    if not timed and funnel.window_days is None:
        passed, parameters = ways(funnel.filters, name)
        return f"SELECT name, found, way, emptyArrayDateTime() AS at FROM ({passed})", parameters
    where, parameters = journeys_where(funnel.filters)
    if funnel.window_days is not None:
        parameters["window_us"] = funnel.window_days * DAY_US
    return f"SELECT {name} AS name, 1 AS found, nodes AS way, at FROM journeys FINAL {where}", parameters


def _numbers(funnel: Funnel) -> range:
    return range(1, len(funnel.steps) + 1)


def _is_step(funnel: Funnel, number: int) -> str:
    """Whether the event `n` is of this step."""
    label = f"{{label{number}:String}}"
    if funnel.steps[number - 1].channel == ANY:
        return f"bitShiftRight(n, {LABEL_SHIFT}) = {label_number(label)}"
    return f"bitAnd(n, {NODE_BITS}) = {node_number(label, f'{{channel{number}:String}}')}"


def _only_attempt(funnel: Funnel, ways: str) -> str:
    """Without a window the first attempt comes as far as any: `s1`, `s2` … are the places of its events, 0 where it ends."""
    places = [f"arrayFirstIndex(n -> {_is_step(funnel, 1)}, way) AS s1"]
    for number in _numbers(funnel)[1:]:
        after = f"place > s{number - 1} AND {_is_step(funnel, number)}"
        found = f"arrayFirstIndex((n, place) -> {after}, way, arrayEnumerate(way))"
        places.append(f"if(s{number - 1} = 0, 0, {found}) AS s{number}")
    return f"SELECT name, found, at, {', '.join(places)} FROM ({ways})"


def _best_attempt(funnel: Funnel, ways: str) -> str:
    """The same of the attempt that comes furthest."""
    numbers = _numbers(funnel)
    places = [
        f"arrayFilter((place, n) -> {_is_step(funnel, number)}, arrayEnumerate(way), way) AS p{number}"
        for number in numbers
    ]
    chains = ["p1 AS c1", *(_chain(number, funnel) for number in numbers[1:])]
    names = ", ".join(f"x{number}" for number in numbers)
    depth = " + ".join(f"(x{number} > 0)" for number in numbers)
    return f"""
        SELECT name, found, at, {", ".join(f"c{number}[attempt] AS s{number}" for number in numbers)}
        FROM (
            SELECT name, found, at, {", ".join(chains)},
                arrayMap(({names}) -> {depth}, {", ".join(f"c{number}" for number in numbers)}) AS depths,
                indexOf(depths, arrayMax(depths)) AS attempt
            FROM (SELECT name, found, at, {", ".join(places)} FROM ({ways})))"""


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
