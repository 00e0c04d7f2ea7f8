"""What table `journeys` must hold: from the reference of the definitions, and visits as the table's comment has them."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.detection.draft import journey_id
from shared.store.client import Store
from tests.reference.journeys import Event, distinct_events, journeys_of
from tests.reference.rule_settings import overlaid, resolved

VISIT_GAP_US = 30 * 60 * 1_000_000

STORED = """
SELECT subject, service, cut, journey, toUnixTimestamp64Micro(started), toUnixTimestamp64Micro(ended), territory,
    entry_channel, arrayMap(x -> toUnixTimestamp64Micro(x), at), type, channel, step, case, visit_channel, visit_from
FROM journeys FINAL ORDER BY subject, service, cut
"""

Row = tuple[Any, ...]


def stored(store: Store) -> list[Row]:
    """The rows in force."""
    return [tuple(tuple(x) if isinstance(x, list) else x for x in row) for row in store.query(STORED).rows]


def expected(events: Iterable[Mapping[str, Any]], document: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows for these stored events."""
    settings = document or resolved({})

    def settings_of(_identity: tuple[str, str], service: str) -> tuple[int, Mapping[str, Any]]:
        return 1, overlaid(settings, settings.get("service", {}).get(service, {}))

    journeys = journeys_of(distinct_events(events, settings_of))
    rows = [_row(journey.cut, journey.events) for journey in journeys]
    return sorted(rows, key=lambda row: (row[0].encode(), row[1].encode(), row[2]))


def _row(cut: int, events: list[Event]) -> Row:
    first = events[0]
    visits = _visits(events)
    channels = [event.channel for event in events if event.channel]
    territories = [event.territory for event in events if event.territory]
    return (
        first.subject,
        first.service,
        cut,
        journey_id(first.subject, first.service, cut),
        first.time_us,
        events[-1].time_us,
        territories[0] if territories else "",
        channels[0] if channels else "",
        tuple(event.time_us for event in events),
        tuple(event.type for event in events),
        tuple(event.channel or "" for event in events),
        tuple(event.step or "" for event in events),
        tuple(event.case or "" for event in events),
        tuple(channel for channel, _ in visits),
        tuple(place for _, place in visits),
    )


def _visits(events: list[Event]) -> list[tuple[str, int]]:
    visits: list[tuple[str, int]] = []
    before: Event | None = None
    for place, event in enumerate(events, start=1):
        if not event.channel:
            continue
        if before is None or not _goes_on(before, event):
            visits.append((event.channel, place))
        before = event
    return visits


def _goes_on(before: Event, event: Event) -> bool:
    other_contact = before.contact and event.contact and before.contact != event.contact
    near = event.time_us - before.time_us <= VISIT_GAP_US
    return bool(before.channel == event.channel and near and not other_contact)
