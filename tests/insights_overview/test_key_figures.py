"""The key figures of the overview against counts made by hand."""

from typing import Any

import pytest

from services.insights.figures.overview_changes import LARGEST_CHANGES, Cell, dispersion
from services.insights.figures.overview_demand import FAILURE_DEMAND, NOT_JUDGED_YET
from services.insights.figures.overview_journeys import COMPLETION, DIGITAL_TAKE_UP
from services.insights.figures.overview_periods import period_before
from services.insights.figures.overview_points import FRICTION_BY_RULE, POINTS_PER_1000
from services.insights.figures.overview_ratio import Sums, ratio
from services.insights.figures.overview_satisfaction import SATISFACTION
from services.insights.pages.overview_keys import keys
from services.loader.assembly import assemble_all
from shared.journey.instants import DAY_US, from_us
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event, instant_us
from tests.insights_overview.asking import ask, records


def at(day: str, clock: str = "09:00:00") -> str:
    """An instant of a day."""
    return f"{day}T{clock}.000000Z"


def journeys() -> list[dict[str, Any]]:
    """Two weeks of June: four people, of whom one comes back by another channel; one of them a week before."""
    return [
        event("old", "contact.made", at("2026-05-20"), "p1-old", "aid", channel="phone", case="c0"),
        event("a1", "contact.made", at("2026-06-02"), "p1-a", "aid", channel="web", case="c1"),
        event("a2", "contact.made", at("2026-06-04"), "p1-a", "aid", channel="phone", case="c1"),
        event("a3", "case.closed", at("2026-06-05"), "p1-a", "aid", case="c1"),
        event("b1", "contact.made", at("2026-06-03"), "p1-b", "aid", channel="phone", case="c2"),
        event("c1", "form.started", at("2026-06-03"), "p1-c", "aid", channel="web"),
        event("c2", "form.submitted", at("2026-06-03", "09:10:00"), "p1-c", "aid", channel="web"),
        event("d1", "form.started", at("2026-06-06"), "p1-d", "aid", channel="web"),
        event("d2", "form.step", at("2026-06-06", "09:05:00"), "p1-d", "aid", channel="web", outcome="not_eligible"),
        event("e1", "form.started", at("2026-06-08"), "p1-e", "aid", channel="partner"),
        event("f1", "contact.made", at("2026-06-09"), "p1-f", "aid", channel="counter", invited=True),
        event("z", "page.viewed", at("2026-06-20"), "p1-z", "other", channel="web"),
    ]


def test_the_period_before_has_the_same_days_of_the_week():
    """As long, earlier, not overlapping, shifted by whole weeks."""
    for days in (1, 7, 8, 30, 365):
        start = instant_us("2026-06-01T00:00:00Z")
        first, last = period_before(start, start + days * DAY_US)
        assert last - first == days * DAY_US
        assert last <= start
        assert start - last < 7 * DAY_US
        assert from_us(first).weekday() == from_us(start).weekday()


def test_take_up_and_completion(empty_store: Store):
    """Online is by entry channel, a partner included; not eligible is completed; a case that is open is not."""
    seed.fill(empty_store.writer(), journeys())
    asked = ask(empty_store, "2026-06-01", "2026-06-15")
    rows = {(row["period"], row["counted"]): row for row in records(DIGITAL_TAKE_UP, asked)}
    begun = rows["now", "begun"]
    assert (begun["journeys"], begun["online"], begun["otherwise"]) == (6, 4, 2)
    completed = rows["now", "completed"]
    assert (completed["journeys"], completed["online"], completed["share"]) == (3, 3, 1.0)
    rows = {(row["period"], row["counted"]): row for row in records(COMPLETION, asked)}
    assert [rows["now", "forms"][name] for name in ("started", "completed", "open")] == [3, 2, 1]
    assert [rows["now", "cases"][name] for name in ("started", "completed", "open")] == [2, 1, 1]


def test_where_nothing_ends_completion_is_not_known(empty_store: Store):
    """Forms are begun and no end of any arrives: unknown, not 0 %."""
    seed.fill(empty_store.writer(), [each for each in journeys() if each["id"] in {"e1", "z"}])
    rows = records(COMPLETION, ask(empty_store, "2026-06-01", "2026-06-15"))
    assert [(row["counted"], row["started"], row["share"]) for row in rows if row["period"] == "now"] == [
        ("forms", 1, None),
        ("cases", None, None),
    ]


def test_what_ends_after_the_period_is_not_completed_in_it(empty_store: Store):
    """Both periods are looked at until their own end, so that they can be compared."""
    events = [event("late", "case.closed", at("2026-06-18"), "p1-b", "aid", case="c2")]
    seed.fill(empty_store.writer(), [*journeys(), *events])
    rows = {
        (row["period"], row["counted"]): row
        for row in records(COMPLETION, ask(empty_store, "2026-06-01", "2026-06-15"))
    }
    assert rows["now", "cases"]["completed"] == 1


def test_failure_demand_by_hand(empty_store: Store):
    """A change of channel and what follows a friction point are avoidable; an invited contact does not count at all."""
    events = [
        event("1", "contact.made", at("2026-06-02"), "p1-a", "aid", channel="web", matter="x"),
        event("2", "contact.made", at("2026-06-03"), "p1-a", "aid", channel="phone", matter="y"),
        event("3", "contact.made", at("2026-06-09"), "p1-a", "aid", channel="phone", matter="z", contact="k"),
        event("4", "contact.made", at("2026-06-25"), "p1-a", "aid", channel="phone", matter="z"),
        event("5", "contact.made", at("2026-06-03"), "p1-b", "aid", channel="phone", invited=True),
        event("6", "contact.made", at("2026-06-03"), "p1-c", "aid", channel="phone"),
        event("7", "contact.made", at("2026-06-03"), None, "aid", channel="phone"),
    ]
    points = [
        {**point, "minutes_citizen": 10.0, "minutes_administration": 6.0} for point in seed.point_rows(events[:6])
    ]
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    seed.insert(empty_store.writer(), seed.Kind.POINTS, points)
    assemble_all(empty_store)
    # 2 anchors a change of channel; 3 lies within 7 days of that point; 4 lies 16 days after everything.
    (row, *_) = records(FAILURE_DEMAND, ask(empty_store, "2026-06-01", "2026-07-01", cost=1_250))
    assert (row["contacts"], row["avoidable"], row["other"], row["share"]) == (5, 2, 3, 0.4)
    assert (row["known_citizen"], row["minutes_citizen"], row["minutes_administration"]) == (1, 10.0, 6.0)
    assert row["euros"] == 25.0
    (row, *_) = records(FAILURE_DEMAND, ask(empty_store, "2026-06-01", "2026-07-01"))
    assert row["euros"] is None


def test_a_contact_is_not_after_its_own_point(empty_store: Store):
    """A refused call is a point of its own time: the call itself is not failure demand, the next one is."""
    events = [
        event("1", "call.rejected", at("2026-06-02"), "p1-a", "aid", channel="phone"),
        event("2", "call.queued", at("2026-06-08"), "p1-a", "aid", channel="phone"),
    ]
    seed.fill(empty_store.writer(), events)
    (row, *_) = records(FAILURE_DEMAND, ask(empty_store, "2026-06-01", "2026-07-01"))
    assert (row["contacts"], row["avoidable"]) == (2, 1)


def test_contacts_that_wait_for_long_are_told_of(empty_store: Store):
    """The figure and the page say so while the past, or what came minutes ago, is not judged yet; not of what just came."""
    period = ask(empty_store, "2026-06-01", "2026-07-01")
    seed.fill(empty_store.writer(), [event("1", "contact.made", at("2026-06-02"), "p1-a", "aid", channel="web")])
    seed.insert(
        empty_store.writer(),
        seed.Kind.EVENTS,
        [event("2", "contact.made", at("2026-06-03"), "p1-b", "aid", channel="web")],
    )
    assert NOT_JUDGED_YET not in FAILURE_DEMAND.compute(period).notes
    for batch in ("1", "toUnixTimestamp64Micro(now64(6)) - 180000000"):
        empty_store.writer().command(
            f"INSERT INTO touched_journeys (batch, subject, service) SELECT {batch}, 'p1-b', 'aid'"
        )
        assert NOT_JUDGED_YET in FAILURE_DEMAND.compute(period).notes
        with served(empty_store) as client:
            assert NOT_JUDGED_YET in client.get("/?from=2026-06-01&to=2026-07-01&lang=en").text
        assemble_all(empty_store)
        assert NOT_JUDGED_YET not in FAILURE_DEMAND.compute(period).notes


def test_satisfaction_by_hand(empty_store: Store):
    """10 for good, 5 for middling, 0 for bad; a mean of what was given; nothing before is no row."""
    ratings = [5, 4, 3, 2, 1.4]
    seed.fill(
        empty_store.writer(),
        [
            event(f"r{place}", "feedback.given", at("2026-06-02"), f"p1-{place}", "aid", rating=rating)
            for place, rating in enumerate(ratings)
        ],
    )
    (row, *rest) = records(SATISFACTION, ask(empty_store, "2026-06-01", "2026-06-08"))
    assert rest == []
    assert (row["ratings"], row["score"]) == (5, 5.0)
    assert row["mean"] == pytest.approx(sum(ratings) / 5)
    assert [row[f"rated_{level}"] for level in range(1, 6)] == [1, 1, 1, 1, 1]


def test_points_per_1000_and_by_rule(empty_store: Store):
    """One change of channel on so many contacts and steps; rules that cannot be observed have no number."""
    seed.fill(empty_store.writer(), journeys())
    asked = ask(empty_store, "2026-06-01", "2026-06-15")
    now = records(POINTS_PER_1000, asked)[0]
    by_rule = {row["rule"]: row for row in records(FRICTION_BY_RULE, asked)}
    points = sum(row["points"] or 0 for row in by_rule.values())
    assert now["points"] == points > 0
    assert now["per_1000"] == pytest.approx(1_000 * points / now["contacts"])
    assert (by_rule["long_wait"]["status"], by_rule["long_wait"]["points"]) == ("not_observable", None)
    assert (by_rule["unanswered_retry"]["status"]) == "not_observable"


def test_small_counts_are_withheld_with_what_tells_them(empty_store: Store):
    """At a limit of 10 neither the counts of these few people nor shares and minutes stand in any key figure."""
    seed.fill(empty_store.writer(), journeys())
    asked = ask(empty_store, "2026-06-01", "2026-06-15", minimum=10)
    for figure in (DIGITAL_TAKE_UP, COMPLETION, FAILURE_DEMAND, POINTS_PER_1000):
        for row in records(figure, asked):
            assert not any(isinstance(value, float) for name, value in row.items() if name != "per_day"), row
    by_name = {key.figure.name: key for key in (make() for make in keys(asked).values())}
    assert by_name["digital-take-up"].value is None
    assert by_name["digital-take-up"].hidden
    assert not by_name["satisfaction"].hidden


def weekly(service: str, first: str, weeks: int, switches: int, contacts: int) -> list[dict[str, Any]]:
    """Every week so many people who write and then call (a change of channel), and so many who only call."""
    start = instant_us(f"{first}T09:00:00Z")
    found = []
    for week in range(weeks):
        for person in range(contacts):
            name = f"{service}-{first}-{week}-{person}"
            moment = from_us(start + (7 * week + person % 5) * DAY_US).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
            later = moment.replace("T09", "T15")
            found.append(event(f"{name}a", "contact.made", moment, f"p1-{name}", service, channel="email", matter=name))
            if person < switches:
                found.append(
                    event(f"{name}b", "contact.made", later, f"p1-{name}", service, channel="phone", matter="o")
                )
    return found


def test_only_what_moved_beyond_noise_is_a_change(empty_store: Store):
    """Of two services, one with three times the changes of channel, the other as before, only the first is named."""
    seed.fill(
        empty_store.writer(),
        [
            *weekly("worse", "2026-03-02", 8, 2, 12),
            *weekly("worse", "2026-04-27", 8, 9, 12),
            *weekly("same", "2026-03-02", 8, 4, 12),
            *weekly("same", "2026-04-27", 8, 4, 12),
        ],
    )
    asked = ask(empty_store, "2026-04-27", "2026-06-22")
    rows = {(row["service"], row["rule"]): row for row in records(LARGEST_CHANGES, asked)}
    worse = rows["worse", "channel_switch"]
    assert (worse["points"], worse["points_before"], worse["reading"]) == (72, 16, "higher")
    assert worse["low"] > 0
    assert rows["same", "channel_switch"]["reading"] == "no_difference"
    by_name = {key.figure.name: key for key in (make() for make in keys(asked).values())}
    assert by_name["points-per-1000-contacts"].verdict == "worse"
    assert by_name["failure-demand"].verdict == "worse"


def test_clusters_widen_the_interval_of_a_ratio():
    """The same share is less sure where it comes from few units; ups and downs from week to week count as dispersion."""
    even = ratio(Sums(1_000, 100, 1_000, 100, 100, 1_000))
    clustered = ratio(Sums(100, 100, 1_000, 1_000, 1_000, 10_000))
    assert even is not None
    assert clustered is not None
    assert even.value == clustered.value == 0.1
    assert clustered.interval.high - clustered.interval.low > 2 * (even.interval.high - even.interval.low)
    assert ratio(Sums(0, 0, 0, 0, 0, 0)) is None
    assert dispersion(Cell(40, 4 * 100.0), 4) == 1.0
    assert dispersion(Cell(40, 1_600.0), 4) == pytest.approx(40.0)
