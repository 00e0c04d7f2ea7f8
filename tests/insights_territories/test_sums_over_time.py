"""Territories over time are answered by stored sums, and as the rows would answer."""

import re

import pytest

from services.insights.figures.territories_queries import UNITS, contacts_over_time, points_over_time
from services.insights.filters import Filters
from services.insights.queries import Question
from shared.store.client import Store
from tests.insights import seed
from tests.insights.seed import event, instant_us

FILTERS = Filters(
    territory="north", from_us=instant_us("2026-02-10T00:00:00Z"), to_us=instant_us("2026-06-20T00:00:00Z")
)


@pytest.fixture
def filled(empty_store: Store) -> Store:
    """People who come again by another channel, over five months and three territories."""
    events = [
        event(f"{place}-{channel}", "contact.made", f"2026-0{1 + place % 6}-{1 + place % 27:02}T{hour}:30:00.000000Z",
              f"p1-{place}", "aid", channel=channel, territory=("north", "north/a", "south")[place % 3])
        for place in range(60)
        for channel, hour in (("web", "00"), ("phone", "23"))
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    return empty_store


def questions(unit: str) -> list[Question]:
    """Both questions."""
    return [contacts_over_time(unit, FILTERS), points_over_time(unit, FILTERS)]


@pytest.mark.parametrize("unit", UNITS)
def test_sums_agree_with_the_rows(filled: Store, unit: str) -> None:
    """Months that lie whole in the period, and the days before and after them."""
    for question in questions(unit):
        found = filled.query(question.sql, question.parameters).rows
        from_rows = filled.recount_query(question.sql, question.parameters).rows
        assert sorted(found) == sorted(from_rows)
        assert len(found) > 1


@pytest.mark.parametrize("unit", ["month", "quarter", "year"])
def test_whole_months_read_no_rows(filled: Store, unit: str) -> None:
    """A condition that no projection knows would lose that without a sign."""
    for question in questions(unit):
        assert re.search(r"'monthly_\w+'\) WHERE", question.sql)
        assert not re.search(r"FROM (events|points)\b", question.sql)
