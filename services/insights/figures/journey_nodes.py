"""The nodes of journeys as numbers, and their names: what column `nodes` of `journeys` holds (migration 0011).

A *node* is (label, channel) of an event; its label is its step, or its type where it has none. As a number: 36 bits of the
label's hash, 27 bits of the channel's, and as the lowest bit whether the label is a step (`node_numbers`). Two of 1,000
labels share a number with a probability below 1 in 100,000, two of 20 channels as seldom. 0 is no node.
"""

# ruff: noqa: S608 - what is put into these statements are numbers and names of this module; values are bound
from collections.abc import Collection
from typing import Any, Final

from msgspec import structs

from services.insights.figures.journey_filters import journeys_where
from services.insights.figures.summaries import answer
from services.insights.filters import Filters
from services.insights.ports import Store
from services.insights.queries import Question
from shared.journey.node_numbers import LABEL_SHIFT, NODE_BITS, STEP_BIT

Node = tuple[str, str]
"""A label and a channel ('' where there is none)."""

NODES: Final = f"arrayMap(n -> bitAnd(n, {NODE_BITS}), nodes)"
"""The nodes of a journey, whether their labels are steps or types."""
LABELS: Final = f"arrayMap(n -> bitShiftRight(n, {LABEL_SHIFT}), nodes)"
"""Their labels only, as `label_number` gives them."""

_NAMES_READ: Final = 2_000
"""Journeys read first for names: they hold nearly all nodes that there are."""
_MOST_SOUGHT: Final = 1_000
"""Nodes that are looked for by their numbers; if more are missing, all journeys are read."""


def label_number(label: str) -> str:
    """SQL: a label as in `LABELS`."""
    return f"bitShiftRight(cityHash64({label}), {LABEL_SHIFT})"


def ways(filters: Filters, name: str = "''") -> tuple[str, dict[str, Any]]:
    """Rows of `found` journeys under the filters that went one `way` (nodes as in `NODES`), per `name`, an expression over rows
    of `journeys`; and the values.

    Of each way one row tells its nodes, whichever version it is of: they are what its number is made of (migration 0017).
    """
    where, parameters = journeys_where(filters)
    return (
        f"""
        SELECT name, found, way
        FROM (
            SELECT {name} AS name, way_key, count() AS found FROM journeys FINAL {where} GROUP BY name, way_key) AS counted
        INNER JOIN (SELECT way_key, {NODES} AS way FROM journeys {where} LIMIT 1 BY way_key) AS passed USING way_key""",
        parameters,
    )


def node_names(store: Store, filters: Filters, numbers: Collection[int]) -> dict[int, Node]:
    """The names of the nodes with these numbers, as far as journeys of the service and period hold them."""
    if not numbers:
        return {}
    names = _read(store, names_of_many(filters))
    missing = sorted(set(numbers) - names.keys())
    if missing:
        names |= _read(store, names_of_few(filters, missing) if len(missing) <= _MOST_SOUGHT else names_of_all(filters))
    return {number: names[number] for number in numbers}


def names_of_many(filters: Filters) -> Question:
    """The nodes of some journeys: `node`, `label`, `channel`."""
    return _names(filters, limit=f"LIMIT {_NAMES_READ}")


def names_of_few(filters: Filters, numbers: list[int]) -> Question:
    """These nodes, read from the journeys that hold one."""
    stored = [number | bit for number in numbers for bit in (0, STEP_BIT)]
    return _names(filters, "hasAny(nodes, {stored:Array(UInt64)})", stored=stored)


def names_of_all(filters: Filters) -> Question:
    """The nodes of all journeys."""
    return _names(filters)


def _names(filters: Filters, *more: str, limit: str = "", **values: Any) -> Question:
    """A number says the same in every version of a row, so that rows need not be made `FINAL`."""
    asked = structs.replace(filters, territory=None, channel=None, rule=None)
    where, parameters = journeys_where(asked, *more)
    return Question(
        f"""
        SELECT node, any(if(s = '', t, s)) AS label, any(c) AS channel
        FROM (SELECT {NODES} AS way, step AS steps, type AS types, channel AS channels FROM journeys {where} {limit})
        ARRAY JOIN way AS node, steps AS s, types AS t, channels AS c
        GROUP BY node""",
        {**parameters, **values},
    )


def _read(store: Store, question: Question) -> dict[int, Node]:
    return {row["node"]: (row["label"], row["channel"]) for row in answer(store, question)}
