"""The summaries of the API as tables, so that small cells are withheld as everywhere."""

from typing import Any, Final

from services.insights.figures.files import WITHHELD
from services.insights.figures.summaries import CountSummary, FrictionRow, FrictionSummary
from services.insights.figures.suppression import is_few
from services.insights.figures.table import Column, Row, Table, table

_MINUTES: Final = ("minutes_citizen", "minutes_administration")


def friction_table(group: str, found: FrictionSummary, limit: int) -> Table:
    """Points, journeys and minutes of each group. Minutes that would tell of fewer than `limit` points go with them."""
    columns = [
        Column(name=group, title=group, kind="text"),
        Column(name="points", title="points", kind="count", small_cells=True),
        Column(name="journeys", title="journeys", kind="count", small_cells=True),
        *(Column(name=name, title=name, kind="minutes", of="points") for name in _MINUTES),
    ]
    with_status = group == "rule"
    if with_status:
        columns.append(Column(name="status", title="status", kind="text"))
    rows = tuple(Row(_values(row, with_status=with_status), _few_known(row, limit)) for row in found.rows)
    return Table(columns=tuple(columns), rows=rows)


def _values(row: FrictionRow, *, with_status: bool) -> tuple[Any, ...]:
    values = (row.name or None, row.points, row.journeys, row.minutes_citizen, row.minutes_administration)
    return (*values, row.status) if with_status else values


def _few_known(row: FrictionRow, limit: int) -> frozenset[str]:
    """Sums over few points, or over all but few."""
    known = dict(zip(_MINUTES, (row.known_citizen, row.known_administration), strict=True))
    points = row.points or 0
    return frozenset(
        name for name, count in known.items() if count and (is_few(count, limit) or is_few(points - count, limit))
    )


def anchor_table(group: str, found: CountSummary) -> Table:
    """Events that anchor points: as many as there are points, so small counts are withheld."""
    columns = (
        Column(name=group, title=group, kind="text"),
        Column(name="events", title="events", kind="count", small_cells=True),
    )
    return table(columns, [(row.name or None, row.events) for row in found.rows])


def records_of(shown: Table) -> list[dict[str, Any]]:
    """The rows as the API gives them: `withheld` names what is not shown, and is left out where nothing is."""
    return [
        record | ({WITHHELD: sorted(row.withheld)} if row.withheld else {})
        for record, row in zip(shown.records(), shown.rows, strict=True)
    ]


def total_shown(total: int, limit: int) -> int | None:
    """The sum over all groups, unless it is small itself."""
    return None if is_few(total, limit) else total
