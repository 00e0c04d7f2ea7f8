"""The figures of the friction board against counts made by hand."""

from typing import Any

import pytest
from scipy.stats import kendalltau

from services.insights.charts.sparkline import sparkline
from services.insights.figures.data_arrivals import ARRIVALS, silence
from services.insights.figures.data_state import FRESHNESS, LATE_EVENTS, OBSERVABLE_RULES
from services.insights.figures.figure import shown
from services.insights.figures.frictions_after import WHAT_FOLLOWS, after_question
from services.insights.figures.frictions_board import FRICTION_BOARD, FRICTION_SERIES
from services.insights.figures.frictions_places import CONCENTRATION
from services.insights.figures.frictions_rule import FRICTION_OVER_TIME, FRICTION_TYPICAL, typical_sentence
from services.insights.figures.frictions_trend import kendall_z, trend
from services.insights.figures.summaries import answer
from services.loader.assembly import assemble_all
from shared.journey.instants import DAY_US, from_us
from shared.store.client import Store
from tests.insights import seed
from tests.insights.seed import event, instant_us
from tests.insights_overview.asking import ask, records

PERIOD = ("2026-03-02", "2026-06-22")


def switches() -> list[dict[str, Any]]:
    """Sixteen weeks; in week n, n people write to “aid” and call six hours later; ten others in two territories only write."""
    start = instant_us("2026-03-02T09:00:00Z")
    found = []
    for week in range(16):
        moment = from_us(start + week * 7 * DAY_US).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        for person in range(week):
            name = f"s{week}-{person}"
            place = {"territory": "fr/1"}
            found.append(
                event(f"{name}a", "contact.made", moment, f"p1-{name}", "aid", channel="email", matter="1", **place)
            )
            found.append(event(f"{name}b", "contact.made", moment.replace("T09", "T15"), f"p1-{name}", "aid",
                               channel="phone", matter="2", **place))  # fmt: skip
            found.append(event(f"{name}c", "case.closed", moment.replace("T09", "T18"), f"p1-{name}", "aid", case=name))
        for person in range(10):
            name = f"q{week}-{person}"
            found.append(
                event(
                    name, "contact.made", moment, f"p1-{name}", "aid", channel="email", territory=f"fr/{person % 2 + 1}"
                )
            )
    return found


@pytest.fixture
def filled(empty_store: Store) -> Store:
    """A store with `switches`."""
    seed.fill(empty_store.writer(), switches())
    return empty_store


def test_the_board_ranks_by_journeys_and_tells_the_trend(filled: Store):
    """120 journeys, as many points, per 1,000 of all contacts; more every week is rising."""
    (row,) = records(FRICTION_BOARD, ask(filled, *PERIOD))
    assert (row["rule"], row["service"], row["journeys"], row["points"]) == ("channel_switch", "aid", 120, 120)
    assert row["per_1000"] == pytest.approx(1_000 * 120 / 400)
    assert row["trend"] == "rising"
    series = [each["points"] for each in records(FRICTION_SERIES, ask(filled, *PERIOD))]
    assert sum(series) == 120
    assert len(series) <= 13
    assert sum(each["points"] for each in records(FRICTION_OVER_TIME, ask(filled, *PERIOD, unit="week"))) == 120


def test_where_it_concentrates_is_a_rate(filled: Store):
    """All points lie in one of two territories, which has most contacts as well: more than elsewhere, by its rate."""
    asked = ask(filled, *PERIOD, filters={"rule": "channel_switch"}, group_by="territory")
    rows = {row["name"]: row for row in records(CONCENTRATION, asked)}
    assert (rows["fr/1"]["points"], rows["fr/1"]["events"], rows["fr/1"]["reading"]) == (120, 320, "higher")
    assert (rows["fr/2"]["points"], rows["fr/2"]["events"], rows["fr/2"]["reading"]) == (0, 80, "lower")


def test_what_follows_is_the_next_event(filled: Store):
    """Every change of channel is followed by the closing of the case three hours later."""
    (row,) = records(WHAT_FOLLOWS, ask(filled, *PERIOD, filters={"rule": "channel_switch"}))
    assert (row["event"], row["points"], row["share"], row["wait_s"]) == ("case.closed", 120, 1.0, 3 * 3_600.0)


def test_the_typical_point_names_nobody(filled: Store):
    """Medians of the most frequent pair of channels, in words; nothing where too few people stand behind it."""
    asked = ask(filled, *PERIOD, filters={"rule": "channel_switch"})
    words = typical_sentence(shown(FRICTION_TYPICAL, asked), "channel_switch", "en")
    assert words is not None
    assert "6\u00a0hours" in words
    few = ask(filled, *PERIOD, minimum=500, filters={"rule": "channel_switch"})
    assert typical_sentence(shown(FRICTION_TYPICAL, few), "channel_switch", "en") is None
    assert records(FRICTION_BOARD, ask(filled, *PERIOD, minimum=500))[0]["trend"] is None


def test_the_trend_agrees_with_scipy():
    """Mann and Kendall's score has the sign of Kendall's tau; a straight rise rises, noise is stable, little says nothing."""
    for counts in ([1, 4, 2, 8, 5, 7, 9, 12, 10], [9, 9, 3, 3, 1, 2, 2, 0, 1], [5, 3, 5, 3, 5, 3, 5, 3]):
        tau = kendalltau(range(len(counts)), counts).statistic
        assert kendall_z(counts) * tau >= 0
    assert trend([*range(3, 15)]) == "rising"
    assert trend([*range(15, 3, -1)]) == "falling"
    assert trend([5, 3, 5, 3, 5, 3, 5, 3]) == "stable"
    assert trend([1] * 9) == "unknown"
    assert trend([50] * 7) == "unknown"


def test_a_hidden_count_has_a_bar_of_its_own():
    """Bars of counts that stay unshown are all alike."""
    line = sparkline([10, None, 20, None])
    assert line is not None
    assert [bar.hidden for bar in line.bars] == [False, True, False, True]
    assert line.bars[1].height == line.bars[3].height
    assert sparkline([1]) is None


def test_silence_is_told_from_rarity(filled: Store):
    """What came every week and no more is silent; what is rare is not called so."""
    assert [silence(0, 100), silence(0, 3), silence(2, 100)] == ["silent", "rare", "arriving"]
    rows = {(row["channel"], row["type"]): row for row in records(ARRIVALS, ask(filled, *PERIOD))}
    assert rows["email", "contact.made"]["events"] == 280
    assert rows["phone", "contact.made"]["events"] == 120
    assert {row["service"] for row in records(ARRIVALS, ask(filled, *PERIOD, group_by="service"))} == {"aid"}


def test_what_cannot_be_observed_says_what_is_missing(filled: Store):
    """No call was ever answered: waits are unknown; repeated contacts can be observed where people make contact."""
    rows = {row["rule"]: row for row in records(OBSERVABLE_RULES, ask(filled, *PERIOD))}
    assert (rows["long_wait"]["status"], rows["long_wait"]["observed"]) == ("not_observable", 0)
    assert "call.answered" in str(rows["long_wait"]["missing"])
    assert rows["status_chasing"]["missing"] == "reason"
    assert (rows["repeat_contact"]["status"], rows["repeat_contact"]["observed"]) == ("observed", 2)
    assert rows["rework"]["status"] == "off"


def test_stages_that_told_nothing_are_not_known(filled: Store):
    """Nothing was loaded through the log here: unknown; the journeys are put together."""
    rows = {row["stage"]: row for row in records(FRESHNESS, ask(filled, *PERIOD))}
    assert rows["loaded"]["through"] is None
    assert rows["detected"]["waiting"] is None
    assert rows["journeys"]["waiting"] == 0
    assert records(LATE_EVENTS, ask(filled, *PERIOD)) == []


@pytest.mark.parametrize("points", [120, 150_000])
def test_what_follows_is_not_told_of_journeys_that_are_gone(filled: Store, points: int):
    """Also where so many points are told of that a part of the journeys is looked at: what removes a row of theirs still does."""
    filters = ask(filled, *PERIOD).filters
    question = after_question(filters, points)
    counted = sum(row["points"] for row in answer(filled, question))
    assert counted == 120 if points == 120 else 0 < counted < 120
    filled.writer().command(
        """INSERT INTO journeys (service, started, subject, cut, journey, ended, version, removed)
        SELECT service, started, subject, cut, '', ended, version + 1, 1 FROM journeys WHERE removed = 0"""
    )
    filled.writer().command(
        "INSERT INTO touched_journeys SELECT 1, subject, service, 1 FROM points GROUP BY subject, service"
    )
    assemble_all(filled)
    assert answer(filled, question) == []
