"""What reporting tools read: daily and weekly counts that agree with the rows, and never a count below ten."""

import re
from typing import Any

import pytest

from shared.journey.vocabulary import CITIZEN_TYPES
from shared.store.client import Store
from shared.store.migrate import read_migrations
from tests.docs.pages import ROOT, in_code, table_rows
from tests.insights import seed
from tests.insights.seed import event

VIEWS = ("v_contacts_daily", "v_points_daily", "v_journeys_weekly")


def rows(store: Store, sql: str) -> list[dict[str, Any]]:
    """The rows of a statement by column name."""
    found = store.query(sql)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def calls(count: int, day: str, territory: str = "FR/75") -> list[dict[str, Any]]:
    """Calls after a long wait, a person each."""
    found = []
    for number in range(count):
        subject, at = f"p1-{territory}-{day}-{number}", f"{day}T10:00:{number:02}"
        found += [
            event(f"{subject}-q", "call.queued", f"{at}Z", subject, "tax", channel="phone", territory=territory),
            event(f"{subject}-a", "call.answered", f"{at}.5Z", subject, "tax", channel="phone", territory=territory,
                  wait_s=600.0),
        ]  # fmt: skip
    return found


def test_ten_are_shown_and_nine_are_not(empty_store: Store):
    """At ten, each measure; below, NULL in all of them and `withheld`: the row is there, its numbers are not."""
    seed.fill(
        empty_store.writer(), [*calls(10, "2026-01-05"), *calls(9, "2026-01-06"), *calls(9, "2026-02-02", "FR/13")]
    )
    contacts = rows(empty_store, "SELECT toString(day) AS day, events, withheld FROM v_contacts_daily ORDER BY day")
    assert [(row["day"], row["events"], row["withheld"]) for row in contacts] == [
        ("2026-01-05", 10, 0),
        ("2026-01-06", None, 1),
        ("2026-02-02", None, 1),
    ]
    points = rows(empty_store, "SELECT * EXCEPT day FROM v_points_daily WHERE rule = 'long_wait' ORDER BY day")
    assert [(row["points"], row["minutes_citizen"], row["withheld"]) for row in points] == [
        (10, 100.0, 0), (None, None, 1), (None, None, 1),
    ]  # fmt: skip
    assert points[0]["minutes_administration"] is None
    journeys = rows(empty_store, "SELECT * EXCEPT week FROM v_journeys_weekly ORDER BY week")
    assert [(row["journeys"], row["events"], row["withheld"]) for row in journeys] == [(19, 38, 0), (None, None, 1)]


def test_a_retracted_point_is_gone(empty_store: Store):
    """The signs add up: a point that was taken back is not counted."""
    events = calls(11, "2026-01-05")
    seed.fill(empty_store.writer(), events)
    point = next(each for each in seed.point_rows(events) if each["rule"] == "long_wait")
    seed.insert(empty_store.writer(), seed.Kind.POINTS, [seed.retraction(point)])
    (found,) = rows(empty_store, "SELECT points FROM v_points_daily WHERE rule = 'long_wait'")
    assert found["points"] == 10


def test_the_contacts_are_those_of_the_definitions():
    """The view counts the types that the definitions call a citizen's, and no other."""
    (sql,) = [text for each in read_migrations() for text in each.statements if "VIEW v_contacts_daily" in text]
    assert set(re.findall(r"'([a-z]+\.[a-z]+)'", sql)) == set(CITIZEN_TYPES)


def test_no_view_lets_a_reader_below_its_cells(empty_store: Store):
    """No column of a view names a person, a journey or an event, so that nothing can be counted finer."""
    allowed = {"day", "week", "rule", "service", "channel", "territory", "entry_channel", "events", "points", "journeys",
               "minutes_citizen", "minutes_administration", "duration_median_s", "withheld"}  # fmt: skip
    for view in VIEWS:
        columns = {row[0] for row in empty_store.query(f"DESCRIBE TABLE {view}").rows}
        assert columns <= allowed


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_documented_with_its_columns(empty_store: Store, view: str):
    """docs/operations.md has a line for each view that names its columns; the example of a user grants it."""
    documented = {in_code(row[0])[0]: set(in_code(row[2])) for row in table_rows("docs/operations.md", "view")}
    assert documented[view] == {row[0] for row in empty_store.query(f"DESCRIBE TABLE {view}").rows}
    example = (ROOT / "deploy/clickhouse/reporting.xml.example").read_text(encoding="utf-8")
    grants = re.findall(r"<query>(.*?)</query>", example)
    assert f"GRANT SELECT ON parcours.{view}" in grants
    assert len(grants) == len(VIEWS)
    for grant in grants:  # the engine reads them
        empty_store.query(f"SELECT formatQuery('{grant} TO someone')")
