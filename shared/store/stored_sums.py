"""The stored sums: projections of tables that grow with the events (migrations 0001, 0002, 0009, 0013, 0014, 0016 and 0019), read by name.

ClickHouse can find by itself which projection answers a question. It then plans the question once for each of them, which takes
several times as long as the answer. Every question that sums answer knows which: it reads the projection as a table of its own
(table function `mergeTreeProjection`), and no other question has any looked at. No part may lack one: complete_sums.py.
"""

import re
from typing import Final, Literal, NamedTuple

Table = Literal["events", "points", "judged_contacts", "placed_points"]

HOUR: Final = "toStartOfHour(time)"
DAY: Final = "toDate(time)"
MONTH: Final = "toStartOfMonth(time)"


class StoredSums(NamedTuple):
    """One projection: the expression of the time that it groups by (empty: none), the columns beside it, and what it adds up."""

    name: str
    moment: str
    columns: frozenset[str]
    sums: frozenset[str]


_EVENTS: Final = ("count()",)
_EXTENT: Final = ("count()", "min(time)", "max(time)")
_EVENTS_AND_MORE: Final = (*_EXTENT, "groupBitOr(carried)", "sum(rating)", "sum(rating * rating)")
_POINTS: Final = ("sum(sign)",)
_POINTS_AND_KNOWN: Final = (
    *_POINTS,
    "sum(sign * minutes_citizen)",
    "sum(sign * minutes_administration)",
    "sumIf(sign, isNotNull(minutes_citizen))",
    "sumIf(sign, isNotNull(minutes_administration))",
)


def _of(name: str, moment: str, columns: str, sums: tuple[str, ...]) -> StoredSums:
    return StoredSums(name, moment, frozenset(columns.split()), frozenset(sums))


STORED: Final[dict[Table, tuple[StoredSums, ...]]] = {
    "events": (
        _of("monthly_totals", MONTH, "service channel type rating_level", _EVENTS_AND_MORE),
        _of("monthly_steps", MONTH, "service channel type step office", _EVENTS),
        _of("monthly_events", MONTH, "territory service channel type rating_level", _EVENTS_AND_MORE),
        _of("daily_events", DAY, "service channel type rating_level", _EVENTS_AND_MORE),
        _of("hourly_events", HOUR, "service channel territory type", _EVENTS),
        _of("names_of_events", "", "service channel territory", _EXTENT),
    ),
    "points": (
        _of("monthly_point_totals", MONTH, "rule service channel version", _POINTS_AND_KNOWN),
        _of("monthly_points_by_step", MONTH, "rule service channel step office", _POINTS),
        _of("monthly_points", MONTH, "territory rule service channel version", _POINTS_AND_KNOWN),
        _of("daily_points", DAY, "rule service channel version", _POINTS_AND_KNOWN),
        _of("daily_points_by_territory", DAY, "territory rule service channel version", _POINTS_AND_KNOWN),
    ),
    "judged_contacts": (
        _of("daily_contacts", DAY, "service channel failure", _POINTS_AND_KNOWN),
        _of("daily_contacts_by_territory", DAY, "territory service channel failure", _POINTS_AND_KNOWN),
        _of("monthly_contacts", MONTH, "territory service channel failure", _POINTS_AND_KNOWN),
    ),
    "placed_points": (
        _of("monthly_touched", "", "rule service month first_of_rule_month first_of_any_month", _POINTS),
    ),
}
"""Of each table, of those for the same time the smallest first."""

_SUMS: Final = (*_EVENTS_AND_MORE, *_POINTS_AND_KNOWN)


def _stored(expression: str) -> str:
    """The sum in a projection's column, which bears ClickHouse's own name for the expression."""
    function, _, argument = expression.partition("(")
    product = re.fullmatch(r"(\w+) \* (\w+)\)", argument)
    column = f"{function}(multiply({product[1]}, {product[2]}))" if product else expression
    return f"{function}Merge(`{column}`)"


_IN_SUMS: Final = {each: _stored(each) for each in _SUMS} | {each: f"`{each}`" for each in (HOUR, DAY, MONTH)}
_EXPRESSIONS: Final = re.compile("|".join(re.escape(each) for each in sorted(_IN_SUMS, key=len, reverse=True)))
_WORDS: Final = re.compile(r"[a-z_]+")
_COLUMNS: Final = {table: frozenset().union(*(each.columns for each in stored)) for table, stored in STORED.items()}
_IN_ROWS_ALONE: Final = frozenset({"time", "source"})


def which(table: Table, moment: str, sql: str) -> StoredSums | None:
    """The sums that hold everything that this SQL names, by this expression of the time; `None`: only the rows do."""
    added = set(_EXPRESSIONS.findall(sql)) & set(_SUMS)
    named = set(_WORDS.findall(_EXPRESSIONS.sub("", sql))) & (_COLUMNS[table] | _IN_ROWS_ALONE)
    return next(
        (each for each in STORED[table] if each.moment == moment and named <= each.columns and added <= each.sums), None
    )


def smallest(sql: str, table: Table, moment: str) -> str | None:
    """A SELECT over the rows, made one over the smallest sums that answer it; `None` where none do."""
    stored = which(table, moment, sql)
    return from_sums(sql, table, stored.name) if stored else None


def from_sums(sql: str, table: Table, name: str) -> str:
    """A SELECT as it is written over the rows, made one over the sums of this name."""
    # In quotes, since an unquoted name would be taken for an alias of the same name in a query around it.
    stored = f"FROM mergeTreeProjection(currentDatabase(), '{table}', '{name}')"
    return _EXPRESSIONS.sub(lambda found: _IN_SUMS[found[0]], sql.replace(f"FROM {table}", stored))
