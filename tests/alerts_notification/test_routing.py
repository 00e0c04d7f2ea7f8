"""Who is told, and when: service, territory, severity, hours of the clock on the wall."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.alerts.notification.routing import Recipient, next_open_us, recipients, takes
from services.alerts.notification.settings import PEOPLE_STEPS, Route, TopicReceiver
from shared.alerts.finding import Series
from shared.journey.instants import DAY_US, from_us, to_us
from tests.alerts_notification.samples import FORM, HOUR_US, NOW_US, PARIS, alert, finding, settings, transition


def route(*receivers: str, **changes: Any) -> Route:
    """A route in French time."""
    return Route(**({"receivers": receivers or ("day",), "zone": PARIS} | changes))


def at(text: str, zone: ZoneInfo = PARIS) -> int:
    """The instant when the clock on the wall shows it."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=zone))


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, True),
        ({"services": ("housing-benefit",)}, True),
        ({"services": ("permits", "housing-benefit")}, True),
        ({"services": ("housing",)}, False),
        ({"territories": ("fr",)}, True),
        ({"territories": ("fr/idf/75",)}, True),
        ({"territories": ("fr/idf/7",)}, False),
        ({"territories": ("fr/idf/75/75012",)}, False),
        ({"severity": "warning"}, True),
        ({"severity": "critical"}, False),
        ({"services": ("permits",), "territories": ("fr/idf",)}, False),
    ],
)
def test_a_route_takes_what_lies_in_it(changes: dict[str, Any], taken: bool) -> None:
    """All that a route restricts must hold; a territory has all below it, by whole parts of the path."""
    assert takes(route(**changes), alert()) is taken


def test_service_and_territory_must_hold_for_one_series() -> None:
    """An alert of two series is not taken because one has the service and the other the territory."""
    two = alert(finding(structs.replace(FORM, territory="")), finding(structs.replace(FORM, service="permits")))
    assert not takes(route(services=("housing-benefit",), territories=("fr/idf",)), two)
    assert takes(route(services=("permits",), territories=("fr/idf",)), two)


def test_an_alert_about_no_service_is_not_a_services() -> None:
    """A lag of the whole platform goes where no service is asked for."""
    lag = alert(finding(Series("lag", name="journey-events")))
    assert not takes(route(services=("housing-benefit",)), lag)
    assert takes(route(), lag)


def test_each_receiver_is_told_once() -> None:
    """Several routes add up; the earliest instant counts."""
    office = route("day", "night", from_min=12 * 60, to_min=18 * 60)
    found = recipients(settings(route("day"), office, route("day")), alert(), transition())
    assert found == (Recipient("day", NOW_US), Recipient("night", at("2026-11-23 12:00")))


def test_an_alert_that_no_route_takes_goes_to_otherwise() -> None:
    """Nothing is forgotten; hours do not matter there."""
    chosen = settings(route("day", services=("permits",)), otherwise=("night",))
    assert recipients(chosen, alert(), transition()) == (Recipient("night", NOW_US),)
    assert recipients(settings(), alert(), transition()) == ()


def test_outside_its_hours_a_route_waits_or_drops() -> None:
    """Waiting is the default; what a route drops it has taken, so `otherwise` is not asked."""
    hours = {"from_min": 8 * 60, "to_min": 18 * 60}
    night_us = at("2026-11-23 22:30")
    waits = recipients(settings(route(**hours)), alert(), transition(at_us=night_us))
    assert waits == (Recipient("day", at("2026-11-24 08:00")),)
    drops = settings(route(**hours, outside_hours="drop"), otherwise=("night",))
    assert recipients(drops, alert(), transition(at_us=night_us)) == ()
    assert recipients(drops, alert(), transition(at_us=at("2026-11-24 08:00"))) == (
        Recipient("day", at("2026-11-24 08:00")),
    )


def test_receivers_are_told_of_the_steps_they_want() -> None:
    """A receiver of people's steps hears nothing of a comment, one that asks for it does."""
    people = TopicReceiver(name="day", steps=PEOPLE_STEPS)
    asks = TopicReceiver(name="night", steps=frozenset({"commented"}))
    chosen = settings(route("day", "night"), receivers={"day": people, "night": asks})
    assert [each.receiver for each in recipients(chosen, alert(), transition("commented"))] == ["night"]
    assert [each.receiver for each in recipients(chosen, alert(), transition("fired"))] == ["day"]


def test_of_what_is_kept_quiet_only_that_it_is_and_its_end_are_told() -> None:
    """A suppressed alert is silent; that it became so is told to systems, which keep a copy, and its end to all."""
    quiet = alert(suppressed_by="silence-1")
    chosen = settings(route("day"))
    assert recipients(chosen, quiet, transition("worsened")) == ()
    for step in ("suppressed", "resolved"):
        assert [each.receiver for each in recipients(chosen, quiet, transition(step))] == ["day"]


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23 07:59", "2026-11-23 08:00"),
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 17:59", "2026-11-23 17:59"),
        ("2026-11-23 18:00", "2026-11-24 08:00"),
        ("2026-11-27 18:00", "2026-11-30 08:00"),  # Friday evening
        ("2026-03-28 20:00", "2026-03-30 08:00"),  # the clock goes forward on Sunday
        ("2026-10-24 20:00", "2026-10-26 08:00"),  # and back
    ],
)
def test_office_hours(now: str, opens: str) -> None:
    """A period begins on its minute and ends before its last; weekends are left out; the wall's clock counts."""
    office = route(from_min=8 * 60, to_min=18 * 60, weekdays=frozenset(range(5)))
    assert next_open_us(office, at(now)) == at(opens)


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    """From ten in the evening to six in the morning, Friday's lasts into Saturday, and Sunday's morning is not in it."""
    nights = route(from_min=22 * 60, to_min=6 * 60, weekdays=frozenset({4}))
    assert next_open_us(nights, at("2026-11-28 05:59")) == at("2026-11-28 05:59")
    assert next_open_us(nights, at("2026-11-28 06:00")) == at("2026-12-04 22:00")
    assert next_open_us(nights, at("2026-11-27 21:00")) == at("2026-11-27 22:00")


def test_hours_are_of_the_routes_own_time_zone() -> None:
    """Eight in the morning in La Réunion is five in Paris in winter."""
    reunion = ZoneInfo("Indian/Reunion")
    there = route(zone=reunion, from_min=8 * 60, to_min=18 * 60)
    assert next_open_us(there, at("2026-11-23 04:00")) == at("2026-11-23 05:00")


@given(
    st.integers(0, 366 * 24 * 60),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.frozensets(st.integers(0, 6), min_size=1),
)
def test_the_next_opening_is_in_force_and_none_is_before(
    minutes: int, from_min: int, to_min: int, weekdays: frozenset[int]
) -> None:
    """Whatever the hours: never in the past, within nine days, in force when it comes, and asked again it stays."""
    now_us = at("2026-01-01 00:00") + minutes * 60_000_000
    any_hours = route(from_min=from_min, to_min=to_min, weekdays=weekdays)
    found_us = next_open_us(any_hours, now_us)
    assert now_us <= found_us <= now_us + 9 * DAY_US
    assert next_open_us(any_hours, found_us) == found_us
    if found_us > now_us:
        local = from_us(found_us).astimezone(PARIS)
        assert local.hour * 60 + local.minute in {from_min, from_min + 60, 0}
        assert next_open_us(any_hours, max(found_us - HOUR_US // 60, now_us)) in {found_us, now_us}
