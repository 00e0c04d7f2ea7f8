"""The scripted day, through the whole engine: exactly the alerts that a person would want, each told once. Made-up data."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pytest

from services.alerts.settings import default_alerts
from shared.alerts.alert import Alert
from shared.journey.instants import from_us
from shared.log.port import Kind
from shared.store.client import Store
from tests.alerts_engine.scripted_day import MINUTE_US, THE_DAY, ZONE, Script, at
from tests.alerts_engine.site import Site

RECORD = 1_000
MEMORY = Path("/dev/shm")
"""Thousands of commits: on a disk they would be most of the time."""


def written(site: Site, kind: Kind, items: Sequence[msgspec.Struct]) -> None:
    """Append to the log, in records of its size."""
    for start in range(0, len(items), RECORD):
        site.logs.append(kind, items[start : start + RECORD])


class Told(NamedTuple):
    """What people saw: the alerts at noon, in the afternoon, and all of them in the end."""

    noon: list[Alert]
    afternoon: list[Alert]
    end: list[Alert]


@pytest.fixture(scope="module")
def told(embedded_store: Store) -> Iterator[Told]:
    """The Monday, the holiday, and the morning after it."""
    for table in ("events", "points", "rejects", "positions"):
        embedded_store.writer().command(f"TRUNCATE TABLE {table}")
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        site = Site(Path(folder), embedded_store, default_alerts())
        script = Script()
        past = list(script.past())
        written(site, Kind.EVENTS, [each for hour in past for each in hour.events])
        written(site, Kind.POINTS, [each for hour in past for each in hour.points])
        site.now_us = at("00:00")
        site.load()
        live(site, script, at("08:00"), 15)
        live(site, script, at("12:00"), 1)
        noon = site.open()
        live(site, script, at("14:30"), 1)
        afternoon = site.open()
        live(site, script, at("18:00"), 1)
        live(site, script, at("24:00", THE_DAY + timedelta(days=1)), 5)
        live(site, script, at("12:00", THE_DAY + timedelta(days=2)), 15)
        live(site, script, at("12:15", THE_DAY + timedelta(days=2)), 1)
        end = sorted([*site.open(), *site.keeping.resolved(0)], key=lambda alert: alert.fired_us)
        yield Told(noon, afternoon, end)
        site.close()


def live(site: Site, script: Script, until_us: int, minutes: int) -> None:
    """Live on until then, with a round every so many minutes."""
    while site.now_us < until_us:
        happened = script.span(site.now_us, minutes)
        site.now_us += minutes * MINUTE_US
        site.monotonic_us += minutes * MINUTE_US
        written(site, Kind.EVENTS, happened.events)
        written(site, Kind.POINTS, happened.points)
        site.turn()


def line(alert: Alert) -> str:
    """An alert in one line, for whoever reads the test's failure."""
    found = alert.findings[0]
    series = found.series
    told = from_us(alert.fired_us).astimezone(ZONE)
    return f"{told:%d %H:%M} {series.condition} {series.rule} {series.service} {series.channel} {found.window} {alert.state}"


def of(alerts: list[Alert], service: str) -> Alert:
    """The one alert about a service."""
    (found,) = [alert for alert in alerts if alert.findings[0].series.service == service]
    return found


def minutes_after(alert: Alert, clock: str) -> float:
    """How long after this time of the day it was told."""
    return (alert.fired_us - at(clock)) / MINUTE_US


def test_four_things_go_wrong_and_four_alerts_say_so(told: Told) -> None:
    """One each; all of them on the Monday, none on the holiday; and all of them end."""
    print("\n" + "\n".join(map(line, told.end)))
    assert sorted(alert.findings[0].series.service for alert in told.end) == [
        "benefits",
        "housing",
        "passport",
        "taxes",
    ]
    assert {from_us(alert.fired_us).astimezone(ZONE).date() for alert in told.end} == {THE_DAY}
    assert {(alert.state, alert.ending) for alert in told.end} == {("resolved", "ended")}


def test_the_broken_form_is_one_alert_with_the_calls_it_caused(told: Told) -> None:
    """Within minutes, as an error of the form, and the telephone is part of it."""
    alert = of(told.noon, "housing")
    assert 0 <= minutes_after(alert, "10:00") <= 20
    assert alert.findings[0].series.rule in ("error_loop", "repeated_click")
    assert alert.findings[0].series.channel in ("", "web")
    assert {each.series.rule for each in alert.findings} >= {"error_loop", "repeated_click", "repeat_contact"}
    assert "phone" in {each.series.channel for each in alert.findings}


def test_the_broken_form_is_what_ended(told: Told) -> None:
    """Its calls last longer than its errors; who was told of the form reads at the end that this is over."""
    before, after = of(told.noon, "housing"), of(told.end, "housing")
    assert after.id == before.id
    assert after.findings[0].series.rule in ("error_loop", "repeated_click")
    assert after.findings[0].to_us < max(each.to_us for each in after.findings)


def test_the_flooded_line_is_told_while_people_wait(told: Told) -> None:
    """Waiting and giving up are one cause."""
    alert = of(told.afternoon, "benefits")
    assert 0 <= minutes_after(alert, "13:30") <= 30
    assert {each.series.rule for each in alert.findings} == {"long_wait", "queue_abandoned"}


def test_the_closed_counter_is_told_in_the_morning(told: Told) -> None:
    """By its silence, within two hours of the time at which it should have opened; it lasts until the counter opens again."""
    alert = of(told.noon, "taxes")
    assert 0 < minutes_after(alert, "08:30") <= 120
    assert (alert.findings[0].series.condition, alert.findings[0].series.channel) == ("silence", "counter")
    ended_us = of(told.end, "taxes").resolved_us or 0
    assert 0 < (ended_us - at("08:30", THE_DAY + timedelta(days=2))) / MINUTE_US <= 60


def test_the_slow_decline_is_told_on_the_same_day(told: Told) -> None:
    """No quarter hour shows it; the day does."""
    alert = of(told.afternoon, "passport")
    assert {each.series.rule for each in alert.findings} == {"repeated_request"}
    assert {each.window for each in alert.findings} == {"slow"}
