"""Who is told of a transition, and when: routes by service, territory, severity and hours."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from msgspec import Struct

from services.alerts.notification.settings import DAY_MIN, NotificationSettings, Route
from shared.alerts.alert import Alert, Step, Transition
from shared.alerts.finding import SEVERITIES
from shared.journey.instants import from_us, to_us

_LOOK_AHEAD_DAYS: Final = 8
_TOLD_WHEN_QUIET: Final[frozenset[Step]] = frozenset({"suppressed", "resolved"})


class Recipient(Struct, frozen=True, order=True):
    """A receiver, and from when on it may be told."""

    receiver: str
    due_us: int


def recipients(settings: NotificationSettings, alert: Alert, transition: Transition) -> tuple[Recipient, ...]:
    """Who is told of the transition, each once, at the earliest that one of the routes allows.

    Of an alert that a silence, a maintenance or another alert keeps quiet, only that it became so and its end are told
    (whether its beginning was, the caller knows). An alert that no route takes goes to `otherwise`; hours do not count for that, so a route that drops what happens outside
    its hours has taken it.
    """
    if alert.suppressed_by and transition.step not in _TOLD_WHEN_QUIET:
        return ()
    routes = [route for route in settings.routes if takes(route, alert)]
    due: dict[str, int] = {}
    for route in routes:
        open_us = next_open_us(route, transition.at_us)
        if open_us == transition.at_us or route.outside_hours == "wait":
            for receiver in route.receivers:
                due[receiver] = min(open_us, due.get(receiver, open_us))
    if not routes:
        due = dict.fromkeys(settings.otherwise, transition.at_us)
    wanted = (name for name in due if transition.step in settings.receivers[name].steps)
    return tuple(sorted(Recipient(name, due[name]) for name in wanted))


def takes(route: Route, alert: Alert) -> bool:
    """Whether the route is for this alert: grave enough, and one of its series lies in a service and territory named."""
    if SEVERITIES.index(alert.severity) < SEVERITIES.index(route.severity):
        return False
    return any(
        (not route.services or finding.series.service in route.services)
        and (not route.territories or any(_within(finding.series.territory, each) for each in route.territories))
        for finding in alert.findings
    )


def _within(territory: str, prefix: str) -> bool:
    return territory == prefix or territory.startswith(prefix + "/")


def next_open_us(route: Route, at_us: int) -> int:
    """The instant itself if the route is in force then, else when its next period begins.

    Periods are of the clock on the wall: they begin and end when it shows so, also on days when it is changed.
    """
    if route.is_always():
        return at_us
    for begin_us, end_us in _periods(route, at_us):
        if at_us < end_us:
            return max(begin_us, at_us)
    return at_us


def _periods(route: Route, at_us: int) -> Iterator[tuple[int, int]]:
    """The periods (from, to excluded) around an instant, from the one of the day before on."""
    today = from_us(at_us).astimezone(route.zone).date()
    for days in range(-1, _LOOK_AHEAD_DAYS):
        day = today + timedelta(days=days)
        if day.weekday() in route.weekdays:
            end_min = route.to_min + (DAY_MIN if route.to_min <= route.from_min else 0)
            yield _wall_us(route, day, route.from_min), _wall_us(route, day, end_min)


def _wall_us(route: Route, day: date, minute: int) -> int:
    """When the clock in the route's zone shows the minute of the day (1,440 and more: of the next)."""
    days, rest = divmod(minute, DAY_MIN)
    at = time(rest // 60, rest % 60)
    return to_us(datetime.combine(day + timedelta(days=days), at, tzinfo=route.zone))
