"""Journeys as OCEL 2.0 (JSON): events that belong to a journey, a case and a contact at once.

An object-centric log counts a passage from one contact to the next without repeating events for each case.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from services.insights.exports.journeys import ExportedEvent, ExportedJourney
from shared.journey.instants import to_text

MEDIA_TYPE: Final = "application/json"
_TEXTS: Final = ("type", "channel", "territory", "office", "reason", "outcome")
_NUMBERS: Final = ("wait_s", "duration_s", "rating")
_OBJECTS: Final = ("journey", "case", "contact")


def as_ocel(journeys: Iterable[ExportedJourney]) -> Iterator[bytes]:
    """The document, a piece a journey; objects and types, which the events tell, come last."""
    encode = msgspec.json.Encoder().encode
    objects: dict[str, dict[str, Any]] = {}
    activities: dict[str, None] = {}
    number = 0
    yield b'{"events":['
    for journey in journeys:
        events = []
        for event in journey.events:
            number += 1
            activities[event.activity] = None
            events.append(_event(number, event, _objects_of(journey, event, objects)))
        if events:
            separator = b"," if number > len(events) else b""
            yield separator + b",\n".join(map(encode, events))
    yield b'],\n"objects":' + encode(list(objects.values()))
    yield b',\n"objectTypes":' + encode([_object_type(name) for name in _OBJECTS])
    yield b',\n"eventTypes":' + encode([_event_type(name) for name in activities]) + b"}\n"


def _objects_of(
    journey: ExportedJourney, event: ExportedEvent, objects: dict[str, dict[str, Any]]
) -> list[tuple[str, str]]:
    found = [("journey", journey.name), ("case", event.case), ("contact", event.contact)]
    known = [(kind, name) for kind, name in found if name]
    for kind, name in known:
        if name not in objects:
            attributes = [{"name": "service", "time": "1970-01-01T00:00:00Z", "value": journey.service}]
            objects[name] = {"id": name, "type": kind, "attributes": attributes, "relationships": []}
            if kind != "journey":
                objects[journey.name]["relationships"].append({"objectId": name, "qualifier": kind})
    return known


def _event(number: int, event: ExportedEvent, objects: list[tuple[str, str]]) -> dict[str, Any]:
    values = [(name, getattr(event, name)) for name in (*_TEXTS, *_NUMBERS)]
    return {
        "id": f"event-{number}",
        "type": event.activity,
        "time": to_text(event.time_us),
        "attributes": [{"name": name, "value": value} for name, value in values if value not in {"", None}],
        "relationships": [{"objectId": name, "qualifier": kind} for kind, name in objects],
    }


def _object_type(name: str) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": "service", "type": "string"}]}


def _event_type(name: str) -> dict[str, Any]:
    texts = [{"name": each, "type": "string"} for each in _TEXTS]
    return {"name": name, "attributes": [*texts, *({"name": each, "type": "float"} for each in _NUMBERS)]}
