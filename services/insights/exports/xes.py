"""Journeys as XES 1.0 (IEEE 1849-2023), the XML that process-mining tools read: a trace a journey."""

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import quoteattr

from services.insights.exports.journeys import ExportedEvent, ExportedJourney
from shared.journey.instants import to_text

MEDIA_TYPE: Final = "application/xml"
_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2023" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/><date key="time:timestamp" value="1970-01-01T00:00:00Z"/></global>
<classifier name="Activity" keys="concept:name"/>
"""
_TEXTS: Final = ("type", "channel", "territory", "office", "contact", "case", "reason", "outcome")
_NUMBERS: Final = ("wait_s", "duration_s", "rating")


def as_xes(journeys: Iterable[ExportedJourney]) -> Iterator[bytes]:
    """The document, a piece a journey."""
    yield _HEAD.encode()
    for journey in journeys:
        events = "".join(map(_event, journey.events))
        yield f"<trace>{_text('concept:name', journey.name)}{_text('service', journey.service)}{events}</trace>\n".encode()
    yield b"</log>\n"


def _event(event: ExportedEvent) -> str:
    texts = "".join(_text(name, value) for name in _TEXTS if (value := getattr(event, name)))
    numbers = "".join(
        f'<float key="{name}" value="{value}"/>' for name in _NUMBERS if (value := getattr(event, name)) is not None
    )
    date = f'<date key="time:timestamp" value="{to_text(event.time_us)}"/>'
    return f"<event>{_text('concept:name', event.activity)}{date}{texts}{numbers}</event>"


def _text(key: str, value: str) -> str:
    """XML has no place for most control characters, whatever is done to escape them."""
    allowed = "".join(each if each >= " " and each not in "\ufffe\uffff" else "\ufffd" for each in value)
    return f"<string key={quoteattr(key)} value={quoteattr(allowed)}/>"
