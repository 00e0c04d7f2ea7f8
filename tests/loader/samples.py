"""Events, points and late events as they stand in the log, and logs that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.loader.batch import MAX_BATCH_BYTES
from services.loader.loop import Loader
from services.loader.refused import RejectLog
from shared.clock import now_us
from shared.journey.codec import encode
from shared.journey.control import ClockTicked, DetectionProgressed
from shared.journey.event import Event, EventData
from shared.journey.instants import HOUR_US, to_text
from shared.journey.point import LateEvent, Point
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Kind, Record
from shared.store.client import Store

START_US = 1_700_000_000_000_000
STREAMS = ("journey-events.ingest", "frictions.detector", "rejected-events.ingest", "rejected-events.analytics")
CHANNELS = ("web", "phone", "counter")


def event(number: int, **data: object) -> Event:
    """The event of a number, an hour after the one before; always the same but for `data`."""
    instant = to_text(START_US + number * HOUR_US // 4)
    fields = {"service": f"service-{number % 3}", "channel": CHANNELS[number % 3], "territory": f"t{number % 5}"}
    return Event(
        id=f"event-{number}",
        source="/crm",
        type="contact.made" if number % 2 else "case.closed",
        time=instant,
        recordedtime=instant,
        subject=f"p1-{number % 50}",
        data=EventData(**(fields | data)),
    )


def point(number: int, revision: int = 1, sign: int = 1, **changes: object) -> Point:
    """A row of the point anchored in the event of a number."""
    anchor = event(number)
    row = Point(
        id=f"point-{number}",
        revision=revision,
        sign=sign,
        rule="repeat_contact" if number % 2 else "long_wait",
        version=1,
        parameters={"window_s": 604_800.0},
        figures={"gap_s": 300.5, "earlier_channel": "web"},
        source=anchor.source,
        anchor=anchor.id,
        subject=anchor.subject or "",
        service=anchor.data.service,
        journey=f"journey-{number}",
        channel=anchor.data.channel or "",
        step="",
        office="",
        territory=anchor.data.territory or "",
        case="",
        time=anchor.time,
        evidence=["event-before", anchor.id],
        evidence_sources=["/crm", "/crm"],
        minutes_citizen=7.1 * number,
        minutes_administration=None,
    )
    return msgspec.structs.replace(row, **changes)


def late_event(number: int) -> LateEvent:
    """The note that the copy of an event came late."""
    late = event(number)
    return LateEvent(
        late.source, late.id, late.recordedtime, late.subject or "", late.data.service, late.time, 90_000.5
    )


@dataclass
class Logs:
    """A folder with every stream that the loader reads, and what it needs to run."""

    folder: Path

    def __post_init__(self) -> None:
        self.writers = {stream: LocalLogWriter(self.folder / f"{stream}.sqlite", stream) for stream in STREAMS}

    def append(self, kind: Kind, items: Sequence[msgspec.Struct], stream: str | None = None) -> None:
        """Append one record of items to the stream of their kind."""
        default = STREAMS[0] if kind is Kind.EVENTS else STREAMS[1]
        self.append_value(kind, encode(items), len(items), stream or default)

    def append_value(self, kind: Kind, value: bytes, items: int, stream: str) -> None:
        """Append one record as it is."""
        self.writers[stream].append([Record(0, kind, value, items)])

    def tick(self) -> None:
        """Append a tick of the clock, as ingest does every second."""
        self.append(Kind.CONTROL, [ClockTicked(to_text(START_US))], STREAMS[0])

    def progress(self, offset: int, log_id: str) -> None:
        """Append the detector's progress."""
        self.append(Kind.CONTROL, [DetectionProgressed(0, log_id, offset, 0)], STREAMS[1])

    def loader(
        self, store: Store, clock: "Clock | None" = None, batch_bytes: int = MAX_BATCH_BYTES, fence: int = 0
    ) -> Loader:
        """A loader of these logs, with readers of its own."""
        readers = [LocalLogReader(self.folder / f"{stream}.sqlite", stream) for stream in STREAMS]
        rejects = RejectLog(self.writers[STREAMS[3]], Unsealed())
        folder = self.folder / "positions"
        return Loader(
            store,
            readers,
            rejects,
            folder,
            clock or Clock(),
            reject_retention_days=14,
            batch_bytes=batch_bytes,
            fence=fence,
        )

    def close(self) -> None:
        """Close the writers."""
        for writer in self.writers.values():
            writer.close()


class Unsealed:
    """Seals nothing: the payload can be read back in a test."""

    def seal(self, plain: bytes) -> bytes:
        """The plain bytes."""
        return plain


class Clock:
    """A clock that moves two seconds at each reading, so that whatever is due once a second is due."""

    def __init__(self) -> None:
        self.now_us = now_us()

    def __call__(self) -> int:
        self.now_us += 2_000_000
        return self.now_us
