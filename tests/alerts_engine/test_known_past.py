"""The past that is read again in part is the one that is read as a whole."""

import numpy as np
import pytest

from services.alerts.calendar_clock import SLOT_US
from services.alerts.known_past import SETTLED_US, KnownPast, PastReader
from services.alerts.settings import parse_alerts
from shared.alerts.finding import Series
from shared.journey.instants import DAY_US, HOUR_US
from shared.log.port import Kind
from tests.alerts_engine.site import T0, TEXT, Site


def sums(past: KnownPast) -> dict[tuple[Series, int], float]:
    """The points by series and slot."""
    points = past.points_now()
    rows = zip(points.past.slots, points.past.series, points.past.counts, strict=True)
    return {(points.series[number], int(slot)): float(count) for slot, number, count in rows}


def heard(past: KnownPast) -> float:
    """Events of 30 days."""
    return float(past.events.past.sums((T0 - 29 * DAY_US - 12 * HOUR_US) // SLOT_US, T0 // SLOT_US + 96).sum())


def fill(site: Site, first_day: int, last_day: int, service: str = "housing") -> None:
    """Three points and three events a day."""
    times = [T0 - day * DAY_US - hour * HOUR_US for day in range(first_day, last_day) for hour in (0, 1, 1)]
    site.logs.append(Kind.POINTS, [site.point(each, service=service, territory="fr/idf") for each in times])
    site.logs.append(Kind.EVENTS, [site.event(each, service) for each in times])
    site.load()


def test_what_is_read_in_parts_is_the_whole(site: Site) -> None:
    """Hours later, with new points, a new service, and more of the days that are settled: those only a day later."""
    fill(site, 0, 60)
    reader = PastReader(site.store, site.settings)
    first = reader.read(T0)
    assert sums(first) == sums(PastReader(site.store, site.settings).read(T0))
    later = T0 + 3 * HOUR_US
    site.logs.append(Kind.POINTS, [site.point(T0 + HOUR_US, service=service) for service in ("housing", "new")])
    site.load()
    whole = PastReader(site.store, site.settings).read(later)
    again = reader.read(later)
    assert sums(again) == sums(whole)
    assert sums(again) != sums(first)
    assert np.all(np.diff(again.points.slots) >= 0)
    assert heard(again) == heard(whole) == 90
    site.logs.append(Kind.POINTS, [site.point(T0 - 10 * DAY_US)])
    site.load()
    settled = sums(reader.read(later))
    assert 0 < sum(sums(PastReader(site.store, site.settings).read(later)).values()) - sum(settled.values()) <= 3
    day_later = T0 + SETTLED_US
    assert sums(reader.read(day_later)) == sums(PastReader(site.store, site.settings).read(day_later))


@pytest.mark.parametrize("service", ["housing", "new"])
def test_history_that_is_imported_is_known_within_the_hour(site: Site, service: str) -> None:
    """Of a service that was known and of one that was not: else all of it would be a rise from nothing."""
    fill(site, 0, 20)
    reader = PastReader(site.store, site.settings)
    reader.read(T0)
    fill(site, 5, 25, service)
    assert sums(reader.read(T0 + HOUR_US)) == sums(PastReader(site.store, site.settings).read(T0 + HOUR_US))


def test_history_that_ended_long_ago_is_not_known_as_nothing(site: Site) -> None:
    """Years were imported, and the service is live since yesterday: what it has since is no rise from nothing."""
    times = [T0 - days * DAY_US for days in (400, 300, 1)]
    site.logs.append(Kind.EVENTS, [site.event(times[0], "closed"), *(site.event(each, "permits") for each in times)])
    site.load()
    first = PastReader(site.store, site.settings).read(T0).first
    assert first["closed"] == T0 // SLOT_US
    assert first["permits"] == times[2] // HOUR_US * 4
    site.turn()
    site.broken(20, service="permits")
    site.broken(20, service="closed")
    site.turn()
    assert site.open() == []


def test_series_beyond_the_bound_are_left_out_and_told(site: Site) -> None:
    """Those with most points are watched, also when others come first in the latest days."""
    fill(site, 3, 20)
    site.logs.append(Kind.POINTS, [site.point(T0 - HOUR_US, service="rare")])
    site.load()
    settings = parse_alerts("[rises]\nmax_series = 4\n" + TEXT, "alerts.toml")
    past = PastReader(site.store, settings).read(T0)
    assert {each.service for each in past.point_table.series} == {"housing"}
    assert past.point_table.left_out == pytest.approx(2)
