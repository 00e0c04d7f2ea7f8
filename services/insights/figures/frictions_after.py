"""What usually follows a point: the next event of its journey, within seven days."""

# ruff: noqa: S608 - what is put into these statements are conditions of named filters and names; values are bound
from typing import Final

from services.insights.conditions import where_of
from services.insights.figures.figure import Ask, Figure
from services.insights.figures.journey_filters import part_of_points
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.placed import placed_notes, rows_within
from services.insights.figures.summaries import answer, points_in_all
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.queries import Question
from shared.journey.instants import DAY_US

WINDOW_DAYS: Final = 7
MAX_POINTS: Final = 50_000
"""Of more points, about as many are looked at, chosen by the hash of their journey."""
NOTHING: Final = ""
_FOLLOWED: Final = "journey_key, next_type, next_channel, next_us"
FOLLOWS: Final = {NOTHING: N_("nothing within 7 days")}


def after_question(filters: Filters, points: int) -> Question:
    """Per next event (type and channel) of the journeys that hold one of so many points in force: how often, and after how long.

    Of journeys of which a place was taken back, the signs are added up first.
    """
    conditions, parameters = rows_within(filters)
    conditions += ["in_journey", *part_of_points(points, MAX_POINTS)]
    changed = f"(SELECT journey_key FROM placed_points {where_of([*conditions, 'sign < 0'])})"
    sql = f"""
        SELECT if(comes, next_type, '') AS type, if(comes, next_channel, '') AS channel, count() AS points,
            uniqExact(journey_key) AS journeys, quantileExact(0.5)(if(comes, next_us / 1000000.0, 0.0)) AS wait_s
        FROM (
            SELECT {_FOLLOWED}, next_us BETWEEN 1 AND {{window_us:Int64}} AS comes
            FROM placed_points {where_of([*conditions, f"journey_key NOT IN {changed}"])}
            UNION ALL
            SELECT {_FOLLOWED}, next_us BETWEEN 1 AND {{window_us:Int64}} AS comes
            FROM placed_points {where_of([*conditions, f"journey_key IN {changed}"])}
            GROUP BY time, point_key, {_FOLLOWED} HAVING sum(sign) > 0)
        GROUP BY type, channel ORDER BY points DESC, type, channel LIMIT 100"""
    return Question(sql, {**parameters, "window_us": WINDOW_DAYS * DAY_US})


def _after(ask: Ask) -> Table:
    filters = two_periods(ask).now
    question = after_question(filters, points_in_all(ask.store, filters))
    rows = answer(ask.store, question)
    total = sum(int(row["points"]) for row in rows)
    return table(
        (
            Column(name="event", title=N_("Next event"), kind="event", words=FOLLOWS),
            Column(name="channel", title=N_("Channel"), kind="channel"),
            Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True, of="points"),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True, of="journeys"),
            Column(name="share", title=N_("Share"), kind="share", of="points"),
            Column(name="wait_s", title=N_("After (median)"), kind="seconds", of="points"),
        ),
        [_row(row, total) for row in rows],
        notes=placed_notes(ask.store),
    )


def _row(row: dict[str, object], total: int) -> tuple[Value, ...]:
    points = int(row["points"])  # type: ignore[call-overload]
    return (
        row["type"], row["channel"], int(row["journeys"]), points, points / total,  # type: ignore[call-overload]
        row["wait_s"] if row["type"] else None,
    )  # type: ignore[return-value]  # fmt: skip


WHAT_FOLLOWS: Final = Figure(
    name="friction-followed-by",
    title=N_("What usually follows"),
    definition=N_(
        "The first event of the same journey after the point, if it comes within 7 days: what it is, by which channel, and after "
        "how long. Of more than 50,000 points a part is looked at, chosen evenly."
    ),
    compute=_after,
)
