"""What an engine knows of the present: points, refused events, channels heard of, imports, and how far detection has come.

It takes records of the log; which records it was given, and from where, is `services.alerts.tail`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import SLOT_US, Floats
from services.alerts.counts import SeriesTable
from services.alerts.imports import Imports
from services.alerts.point_counts import Place, PointCounts, PointRow
from services.alerts.watermark import Watermark
from shared.alerts.finding import Series
from shared.errors import LogError
from shared.journey.instants import DAY_US, SECOND_US, from_text
from shared.log.port import FRICTIONS, JOURNEY_EVENTS, Kind, StoredRecord

MAX_CHANNELS: Final = 10_000
MAX_REJECTS: Final = 500_000
_AHEAD_US: Final = DAY_US
"""What lies further ahead than a day is of a clock that is wrong."""


class _Data(Struct, gc=False):
    service: str
    channel: str | None = None


class _Event(Struct, gc=False):
    source: str
    time: str
    data: _Data


class _Point(Struct, gc=False):
    id: str
    revision: int
    sign: int
    rule: str
    source: str
    service: str
    journey: str
    channel: str
    territory: str
    time: str


class _Reject(Struct, gc=False):
    id: str
    source: str
    time: str


class _Control(Struct, gc=False):
    """Of any control event what counts here; of a replayed journey nothing."""

    type: str
    time: str = ""
    source: str = ""
    partition: int = 0
    offset: int = 0


_events: Final = msgspec.json.Decoder(list[_Event])
_points: Final = msgspec.json.Decoder(list[_Point])
_rejects: Final = msgspec.json.Decoder(list[_Reject])
_controls: Final = msgspec.json.Decoder(list[_Control])


def rejects_of(table: SeriesTable, place: Place) -> Sequence[int]:
    """The series of a source of refused events."""
    number = table.number(Series("rejects", name=place[0]))
    return () if number is None else (number,)


class Live:
    """The present. `points` and `rejects` count by the tables of the past; `heard` says when each channel last sent anything."""

    def __init__(self, points: SeriesTable, rejects: SeriesTable, imports: Imports, watermark: Watermark) -> None:
        self.points: Final = PointCounts(points)
        self.rejects: Final = PointCounts(rejects, rejects_of, MAX_REJECTS)
        self.imports: Final = imports
        self.watermark: Final = watermark
        self.heard: Final[dict[Series, int]] = {}
        self.changed = False
        self._floor_us = 0

    def take(self, record: StoredRecord, now_us: int) -> None:
        """Take a record of any stream. Raises `LogError` for one that cannot be read."""
        handlers: dict[Kind, Callable[[StoredRecord, int], None]] = {
            Kind.EVENTS: self._take_events,
            Kind.POINTS: self._take_points,
            Kind.REJECTS: self._take_rejects,
            Kind.CONTROL: self._take_controls,
        }
        try:
            if handle := handlers.get(record.kind):
                handle(record, now_us)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise LogError(f"the record at offset {record.offset} cannot be read: {error}") from error

    def take_point(self, row: PointRow, source: str, now_us: int) -> None:
        """Count a row of a point, unless an import brought it or no window reaches it."""
        if self._matters(row.time_us, now_us) and not self.imports.brought(source, row.time_us):
            self.changed = self.points.add(row) or self.changed

    def take_reject(self, reject: str, source: str, time_us: int, now_us: int) -> None:
        """Count a refused event, once by its id."""
        if self._matters(time_us, now_us) and not self.imports.brought(source, time_us):
            self.rejects.add(PointRow(reject, 0, 1, time_us, (source, "", "", ""), reject))

    def forget_before(self, instant_us: int) -> None:
        """No window reaches back so far any more."""
        self._floor_us = instant_us
        self.points.forget_before(instant_us)
        self.rejects.forget_before(instant_us)

    def rejected(self, from_us: int, to_us: int) -> Floats:
        """Refused events by the rejects' series."""
        return self.rejects.counts(from_us, to_us).astype(np.float64)

    def lag_s(self, now_us: int) -> Mapping[str, float]:
        """How late data are, by topic: the detector behind the log, and the log behind the clock (no gateway writes then).

        That a large import keeps the detector busy is nothing to be told.
        """
        ticked_us, detected_us = self.watermark.ticked_us(), self.watermark.at_us()
        if ticked_us is None:
            return {}
        late = {JOURNEY_EVENTS: max(now_us - ticked_us, 0) / SECOND_US}
        if detected_us is None or self.imports.explain(detected_us, now_us):
            return late
        return late | {FRICTIONS: self.watermark.lag_s()}

    def _matters(self, time_us: int, now_us: int) -> bool:
        return self._floor_us <= time_us <= now_us + _AHEAD_US

    def _take_points(self, record: StoredRecord, now_us: int) -> None:
        for each in _points.decode(record.value):
            place = each.rule, each.service, each.channel, each.territory
            row = PointRow(each.id, each.revision, each.sign, from_text(each.time), place, each.journey)
            self.take_point(row, each.source, now_us)

    def _take_rejects(self, record: StoredRecord, now_us: int) -> None:
        for each in _rejects.decode(record.value):
            self.take_reject(each.id, each.source, from_text(each.time), now_us)

    def _take_events(self, record: StoredRecord, now_us: int) -> None:
        for event in _events.decode(record.value):
            if not event.data.channel:
                continue
            series = Series("silence", "", event.data.service, event.data.channel)
            time_us = from_text(event.time)
            if time_us > now_us + _AHEAD_US or self.imports.brought(event.source, time_us):
                continue
            self._hear(series, time_us // SLOT_US, (self.watermark.ticked_us() or now_us) // SLOT_US)

    def _hear(self, series: Series, slot: int, present: int) -> None:
        """What claims a time ahead of the log's clock is heard now; a slot noted before that clock was put back is not kept."""
        heard = self.heard.get(series, -1)
        newer = min(slot, present) > heard or heard > present
        if newer and (series in self.heard or len(self.heard) < MAX_CHANNELS):
            self.heard[series] = min(slot, present)

    def _take_controls(self, record: StoredRecord, now_us: int) -> None:
        for control in _controls.decode(record.value):
            match control.type:
                case "clock.ticked":
                    self.watermark.ticked(record.partition, record.offset, from_text(control.time))
                case "detection.progressed":
                    self.watermark.progressed(control.partition, control.offset)
                case "import.started":
                    self.imports.started(control.source, self.watermark.ticked_us() or now_us)
                case "import.finished":
                    self.imports.finished(control.source, self.watermark.ticked_us() or now_us)
                case _:
                    pass
