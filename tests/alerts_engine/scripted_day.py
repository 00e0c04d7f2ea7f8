"""A made-up site and its scripted day: SYNTHETIC, drawn with a seed. No figure in it was ever observed.

Monday 13 July 2026: a form breaks, a telephone line is flooded, a counter stays closed, and one procedure asks again for what it has
all day. Tuesday the 14th is a public holiday: counters and telephone are closed. Ten ordinary weeks lie before.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from shared.journey.event import Event, EventData
from shared.journey.instants import DAY_US, SECOND_US, to_text, to_us
from shared.journey.point import Point

SEED: Final = 20260713
ZONE: Final = ZoneInfo("Europe/Paris")
THE_DAY: Final = date(2026, 7, 13)
WEEKS: Final = 10
HOLIDAYS: Final = frozenset({date(2026, 5, 8), date(2026, 5, 14), date(2026, 5, 25), date(2026, 7, 14)})
MINUTE_US: Final = 60 * SECOND_US

CONTACTS: Final = {
    ("housing", "web"): 120, ("housing", "phone"): 40, ("housing", "counter"): 20,
    ("benefits", "web"): 100, ("benefits", "phone"): 80, ("benefits", "counter"): 20,
    ("taxes", "web"): 60, ("taxes", "phone"): 30, ("taxes", "counter"): 24,
    ("passport", "web"): 60, ("passport", "phone"): 20, ("passport", "counter"): 20,
}  # fmt: skip
"""Contacts in an open hour."""
SHARES: Final = {
    "web": {"error_loop": 0.03, "repeated_click": 0.02, "form_abandoned": 0.06, "repeat_contact": 0.03},
    "phone": {"long_wait": 0.06, "queue_abandoned": 0.04, "repeat_contact": 0.05},
    "counter": {"long_wait": 0.06, "turned_away": 0.02},
}
"""Of a hundred contacts so many meet this trouble."""
TERRITORIES: Final = ("fr/idf", "fr/bre")


class Trouble(NamedTuple):
    """What goes wrong, from one time of the day to another: contacts are multiplied, and of them a share meets a rule besides."""

    service: str
    channel: str
    begin: str
    end: str
    contacts: float
    shares: dict[str, float]


TROUBLES: Final = (
    Trouble("housing", "web", "10:00", "12:30", 1.0, {"error_loop": 0.6, "repeated_click": 0.3}),
    Trouble("housing", "phone", "10:15", "13:00", 1.6, {"repeat_contact": 0.35}),
    Trouble("benefits", "phone", "13:30", "15:30", 3.0, {"long_wait": 0.4, "queue_abandoned": 0.3}),
    Trouble("taxes", "counter", "00:00", "24:00", 0.0, {}),
    Trouble("passport", "web", "00:00", "24:00", 1.0, {"repeated_request": 0.12}),
)


class Happened(NamedTuple):
    """What a span of time brought."""

    events: list[Event]
    points: list[Point]


class Script:
    """The site: what happens in each span of time, drawn in order from one seed."""

    def __init__(self, *, troubles: bool = True) -> None:
        self._random = np.random.default_rng(SEED)
        self._troubles = troubles
        self._number = 0

    def past(self) -> Iterator[Happened]:
        """The weeks before, an hour at a time."""
        begin_us = at("00:00") - WEEKS * 7 * DAY_US
        for hour in range(WEEKS * 7 * 24):
            yield self.span(begin_us + hour * 60 * MINUTE_US, 60)

    def span(self, from_us: int, minutes: int) -> Happened:
        """What happens in so many minutes."""
        events: list[Event] = []
        points: list[Point] = []
        local = datetime.fromtimestamp(from_us / SECOND_US, ZONE)
        for (service, channel), an_hour in CONTACTS.items():
            troubles = self._now(service, channel, local) if self._troubles else []
            factor = float(np.prod([each.contacts for each in troubles]))
            contacts = an_hour * opened(channel, local) * factor * minutes / 60
            events += [self._event(from_us, minutes, service, channel) for _ in range(self._random.poisson(contacts))]
            shares = dict(SHARES[channel])
            if service == "passport" and channel == "web":
                shares["repeated_request"] = 0.10
            for each in troubles:
                for rule, share in each.shares.items():
                    shares[rule] = shares.get(rule, 0) + share
            for rule, share in shares.items():
                count = self._random.poisson(contacts * share)
                points += [self._point(from_us, minutes, service, channel, rule) for _ in range(count)]
        return Happened(events, points)

    def _now(self, service: str, channel: str, local: datetime) -> list[Trouble]:
        clock = f"{local:%H:%M}"
        mine = (each for each in TROUBLES if (each.service, each.channel) == (service, channel))
        return [each for each in mine if local.date() == THE_DAY and each.begin <= clock < each.end]

    def _time(self, from_us: int, minutes: int) -> str:
        return to_text(from_us + int(self._random.integers(minutes * MINUTE_US)))

    def _event(self, from_us: int, minutes: int, service: str, channel: str) -> Event:
        self._number += 1
        time = self._time(from_us, minutes)
        data = EventData(service=service, channel=channel)
        return Event(f"e{self._number}", f"/{channel}", "contact.made", time, time, data)

    def _point(self, from_us: int, minutes: int, service: str, channel: str, rule: str) -> Point:
        self._number += 1
        place = TERRITORIES[int(self._random.integers(len(TERRITORIES)))]
        return msgspec.convert(
            {
                "id": f"p{self._number}", "revision": 1, "sign": 1, "rule": rule, "version": 1, "parameters": {}, "figures": {},
                "source": f"/{channel}", "anchor": "", "subject": "", "service": service, "journey": f"j{self._number}",
                "channel": channel, "step": "", "office": "", "territory": place, "case": "",
                "time": self._time(from_us, minutes), "evidence": [], "evidence_sources": [],
                "minutes_citizen": None, "minutes_administration": None,
            },
            Point,
        )  # fmt: skip


def at(clock: str, day: date = THE_DAY) -> int:
    """The instant of a time of a day by the clock of the site; 24:00 is the next day's beginning."""
    hours, minutes = map(int, clock.split(":"))
    local = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(hours=hours, minutes=minutes)
    return to_us(local)


def opened(channel: str, local: datetime) -> float:
    """How much of its usual contacts a channel has at this time."""
    closed = local.weekday() >= 5 or local.date() in HOLIDAYS
    hour = local.hour + local.minute / 60
    if channel == "web":
        daily = 0.03 + float(np.exp(-((hour - 10.5) ** 2) / 6) + 0.8 * np.exp(-((hour - 15.5) ** 2) / 8))
        return daily * (0.35 if closed else 1.0)
    return 0.0 if closed or not 8.5 <= hour < 17 else 1.0
