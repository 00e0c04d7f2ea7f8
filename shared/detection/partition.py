"""The detector of one partition: records of `journey-events` in, rows of `frictions` out.

Everything it knows comes from the records, in their order; so the same records give the same rows to the byte, wherever a
crash cut them. Source: docs/architecture.md, "The log" and "Detection".
"""

from itertools import islice
from typing import Protocol

import lz4.block
from msgspec import Struct, field

from shared.detection.draft import Deltas, RulesByVersion, net, point_of
from shared.detection.fold import expire
from shared.detection.history import RuleHistory
from shared.detection.journey import Journey, append, insert, is_held, pack, unpack
from shared.detection.occurrence import Arrival, Occurrence, Reference, occurrence_of
from shared.detection.partition_state import Changed, Counts, PartitionState
from shared.detection.redetection import Replay, remember_row, replace_past
from shared.detection.timers import LIVE, Clocks
from shared.errors import DetectionError
from shared.journey.control import (
    AnyControl,
    ClockTicked,
    DetectionProgressed,
    ImportFinished,
    ImportStarted,
    JourneyReplayed,
    RedetectionFinished,
    RedetectionStarted,
    RulesPublished,
)
from shared.journey.instants import SECOND_US, from_text, to_text, to_us
from shared.journey.point import LateEvent, Point

SEPARATOR = "\x1f"
LONG_TAIL = 512
"""Above, events out of order wait for company: folding the tail again for each of them would hold everybody up."""
EVENTS_A_TICK = 1_000
"""They wait for one tick, and one more for each so many events of the tail."""
MAX_WAITING = 500
"""So many wait no longer."""


class JourneyRecords(Protocol):
    """Where packed journeys are found that are not in memory."""

    def load(self, key: str) -> bytes | None:
        """The record of the last checkpoint, or `None`."""


class _Work(Struct):
    """One journey while a record is folded: what it changed so far, and events out of order that wait for its end."""

    key: str
    subject: str
    service: str
    journey: Journey
    rules: RulesByVersion
    newest: Reference | None
    deltas: Deltas = field(default_factory=list)
    misplaced: dict[Reference, Occurrence] = field(default_factory=dict)
    touched: bool = False


class Partition:
    """Folds the records of one partition. `points` and `late_events` are the output since the last checkpoint.

    A host may write the journeys less often than the output: after a crash it folds the records between the two again, which
    gives the same output, and drops that with `said`.
    """

    def __init__(self, number: int, records: JourneyRecords, *, hot_journeys: int, young_journeys: int) -> None:
        self.number = number
        self.counts = Counts()
        self.points: list[Point] = []
        self.late_events: list[LateEvent] = []
        self.state = PartitionState()
        self._records = records
        self._hot_journeys, self._young_journeys = hot_journeys, young_journeys
        self._history = RuleHistory()
        self._clocks = Clocks()
        self._hot: dict[str, Journey] = {}
        self._young: dict[str, bytes] = {}  # compressed: ids stand in a record several times
        self._records_of_hot: dict[str, bytes] = {}
        self._changed: dict[str, None] = {}
        self._offset = 0

    @property
    def version(self) -> int:
        """The version of the rules in force."""
        return self._history.version

    @property
    def live_us(self) -> int:
        """The latest tick folded; 0 before the first."""
        return self._clocks.now_us.get(LIVE, 0)

    @property
    def journeys_in_memory(self) -> tuple[int, int]:
        """How many journeys are in memory unpacked, and how many packed."""
        return len(self._hot), len(self._young)

    def restore(self, state: PartitionState, timers: list[tuple[int, str, str]]) -> None:
        """Go on from a checkpoint: its state, and (instant, clock, key) of every journey with a timer."""
        self.state = state
        for version, document in sorted(state.documents.items()):
            self._history.publish(version, document)
        self._history.version = state.version
        for clock, now_us in state.now_us.items():
            self._clocks.begin(clock)
            self._clocks.advance(clock, now_us)
        for time_us, clock, key in timers:
            self._clocks.set(self._clocks.of(clock), time_us, key)

    def fold_events(self, offset: int, arrivals: list[Arrival]) -> None:
        """Fold the events of one record."""
        self._offset = offset
        works: dict[str, _Work] = {}
        keep_us = self._keep_us()
        version = self._history.version
        self.counts.events += len(arrivals)
        for arrival in arrivals:
            time_us = to_us(arrival.time)
            if arrival.subject is None:
                self.counts.without_journey += 1
                continue
            key = f"{arrival.subject}{SEPARATOR}{arrival.data.service}"
            work = works.get(key)
            if work is None:
                work = works[key] = self._work(key, arrival.subject, arrival.data.service)
            newest = work.newest
            if not work.misplaced and (newest is None or time_us > newest.time_us):  # the fast path
                append(work.journey, occurrence_of(arrival, time_us, version), keep_us, work.rules, work.deltas)
                work.newest, work.touched = work.journey.state.last, True
            else:
                self._place(work, arrival, time_us, keep_us)
        imports = self._clocks.advance_imports(arrivals)
        for work in works.values():
            self._finish(work, keep_us)
        for source in imports:
            self._fire(source)

    def control(self, offset: int, control: AnyControl) -> None:
        """Let a control event act."""
        self._offset = offset
        match control:
            case ClockTicked(time=time):
                self._clocks.advance(LIVE, from_text(time))
                self._take_in_waiting()
                self._fire(LIVE)
            case RulesPublished(version=version, rules=rules):
                self._history.publish(version, rules)
            case ImportStarted(source=source):
                self._clocks.begin(source)
            case ImportFinished(source=source):
                self._clocks.end(source)
                self._fire(LIVE)
            case DetectionProgressed():
                raise DetectionError("journey-events holds a record of the detector's own progress")
            case _:
                self._redetect(control)

    @property
    def changed_journeys(self) -> int:
        """How many journeys `changes` gives."""
        return len(self._changed)

    def changes(self) -> tuple[PartitionState, list[Changed]]:
        """What changed since the last `saved` besides `points` and `late_events`."""
        self.state.now_us = dict(self._clocks.now_us)
        self.state.version = self._history.version
        self.state.documents = self._history.documents
        return self.state, [self._change(key) for key in self._changed]

    def said(self) -> None:
        """The output is durable: forget it."""
        self.points, self.late_events = [], []

    def saved(self) -> None:
        """The output and the changes are durable: forget both, and keep in memory no more journeys than allowed."""
        self.said()
        self._changed = {}
        hot, young = self._hot, self._young
        for key in list(islice(hot, max(len(hot) - self._hot_journeys, 0))):
            journey = hot.pop(key)
            young[key] = lz4.block.compress(self._records_of_hot.pop(key, b"") or pack(journey))
        for key in list(islice(young, max(len(young) - self._young_journeys, 0))):
            del young[key]

    def _change(self, key: str) -> Changed:
        journey = self._hot[key]
        record = self._records_of_hot[key] = pack(journey)
        return Changed(key, record, journey.timer_us, journey.clock)

    def _open(self, key: str, rules: RulesByVersion) -> Journey:
        young = self._young.pop(key, None)
        record = self._records.load(key) if young is None else lz4.block.decompress(young)
        journey = self._hot[key] = Journey() if record is None else unpack(record, rules)
        if record is not None:
            self._records_of_hot[key] = record
        return journey

    def _work_on(self, key: str) -> _Work:
        subject, _, service = key.partition(SEPARATOR)
        return self._work(key, subject, service)

    def _work(self, key: str, subject: str, service: str) -> _Work:
        rules = self._history.of_service(service)
        journey = self._hot.get(key)
        if journey is None:
            journey = self._open(key, rules)
        work = _Work(key, subject, service, journey, rules, journey.state.last)
        if journey.waiting:
            work.misplaced = {event.reference: event for event in journey.waiting}
            work.newest = max(work.misplaced if work.newest is None else [work.newest, *work.misplaced])
        return work

    def _place(self, work: _Work, arrival: Arrival, time_us: int, keep_us: int | None) -> None:
        """Fold an event where it belongs, or report that it comes too late."""
        reference = Reference(time_us, arrival.source, arrival.id)
        newest = work.newest
        if newest is None or reference > newest:
            event = occurrence_of(arrival, time_us, self._history.version)
            work.newest, work.touched = reference, True
            if work.misplaced:
                work.misplaced[reference] = event
            else:
                append(work.journey, event, keep_us, work.rules, work.deltas)
        elif reference in work.misplaced or is_held(work.journey, reference):
            self.counts.duplicates += 1
        elif self._is_late(work, reference, newest):
            self._report_late(work, arrival, time_us, newest)
        else:
            work.touched = True
            work.misplaced[reference] = occurrence_of(arrival, time_us, self._history.version)

    def _is_late(self, work: _Work, reference: Reference, newest: Reference) -> bool:
        before_tail = work.journey.before_tail
        return newest.time_us - reference.time_us > self._history.current.lateness_us(reference.source) or (
            before_tail is not None and reference <= before_tail
        )

    def _report_late(self, work: _Work, arrival: Arrival, time_us: int, newest: Reference) -> None:
        self.counts.late += 1
        self.state.late_events += 1
        self.late_events.append(
            LateEvent(
                source=arrival.source,
                id=arrival.id,
                recordedtime=arrival.recordedtime,
                subject=work.subject,
                service=work.service,
                time=to_text(time_us),
                behind_s=(newest.time_us - time_us) / SECOND_US,
                partition=self.number,
                offset=self._offset,
            )
        )

    def _finish(self, work: _Work, keep_us: int | None, *, may_wait: bool = True) -> None:
        """After a record: fold what was misplaced, let time pass, and write the rows."""
        if not work.touched or work.newest is None:
            return
        journey = work.journey
        if not work.misplaced and not journey.state.timers:  # most
            self._write_changes(work)
            return
        clock = self._clocks.of(work.newest.source)
        until_us = self._clocks.until_us(clock)
        if may_wait and len(journey.tail) >= LONG_TAIL and 0 < len(work.misplaced) < MAX_WAITING:
            journey.waiting = list(work.misplaced.values())
            self.state.waiting.setdefault(work.key, len(journey.tail) // EVENTS_A_TICK)
        elif work.misplaced:
            self.counts.refolds += 1
            misplaced = list(work.misplaced.values())
            journey.waiting = []
            self.state.waiting.pop(work.key, None)
            work.deltas += insert(journey, misplaced, until_us, work.rules, keep_us)
        else:
            expire(journey.state, until_us, work.rules, work.deltas)
        self._write_changes(work)
        self._set_timer(work.key, journey, clock)

    def _write_changes(self, work: _Work) -> None:
        if work.deltas:
            self._write(work, net(work.deltas))
        self._changed[work.key] = None

    def _take_in_waiting(self) -> None:
        """At each tick: the long journeys that have waited long enough take in what came out of order."""
        for key, ticks in list(self.state.waiting.items()):
            if ticks:
                self.state.waiting[key] = ticks - 1
            else:
                self._take_in(key)

    def _take_in(self, key: str) -> None:
        work = self._work_on(key)
        work.touched = bool(work.misplaced)
        self._finish(work, self._keep_us(), may_wait=False)

    def _keep_us(self) -> int | None:
        return None if self.state.redetection else self._history.current.max_lateness_us

    def _write(self, work: _Work, deltas: Deltas) -> None:
        for sign, draft in deltas:
            self._append_row(work.journey, point_of(draft, sign, 0, work.subject, work.service))

    def _append_row(self, journey: Journey, row: Point) -> None:
        journey.revision += 1
        row.revision, row.partition, row.offset = journey.revision, self.number, self._offset
        if row.sign > 0:
            self.counts.points += 1
        else:
            self.counts.retractions += 1
        self.points.append(row)
        remember_row(journey, row, self.state.redetection)

    def _set_timer(self, key: str, journey: Journey, clock: str) -> None:
        """One timer a journey and clock, at its next time or before: a timer that comes too early is set again."""
        timers = journey.state.timers
        if timers and (not journey.timer_us or timers[0][0] < journey.timer_us or clock != journey.clock):
            journey.timer_us, journey.clock = timers[0][0], clock
            self._clocks.set(clock, journey.timer_us, key)

    def _fire(self, clock: str) -> None:
        """Wake every journey whose time has come by this clock.

        Several timers of one journey may be set; all but one find nothing to do.
        """
        while (timer := self._clocks.pop(clock)) is not None:
            time_us, key = timer
            work = self._work_on(key)
            if time_us == work.journey.timer_us:
                work.journey.timer_us = 0  # it is gone: a journey that goes by another clock by now needs one there
            deltas: Deltas = []
            expire(work.journey.state, self._until_us(work.journey), work.rules, deltas)
            self._write(work, net(deltas))
            self._set_timer(key, work.journey, self._clock_of(work.journey))
            self._changed[key] = None

    def _until_us(self, journey: Journey) -> int:
        return self._clocks.until_us(self._clock_of(journey))

    def _clock_of(self, journey: Journey) -> str:
        last = journey.state.last
        return LIVE if last is None else self._clocks.of(last.source)

    def _redetect(self, control: RedetectionStarted | JourneyReplayed | RedetectionFinished) -> None:
        if isinstance(control, JourneyReplayed):
            if control.run == self.state.redetection:
                self._replay(control)
            return
        self.state.replays = {}
        self.state.redetection = control.run if isinstance(control, RedetectionStarted) else ""

    def _replay(self, part: JourneyReplayed) -> None:
        key = f"{part.subject}{SEPARATOR}{part.service}"
        replay = self.state.replays.setdefault(key, Replay())
        if not replay.add(part):
            return
        del self.state.replays[key]
        self._take_in(key)
        work = self._work_on(key)
        keep_us = self._history.current.max_lateness_us
        rows = replace_past(work.journey, replay, work.rules, self._history.version, keep_us, self._until_us)
        for row in rows:
            self._append_row(work.journey, row)
        self._set_timer(key, work.journey, self._clock_of(work.journey))
        self._changed[key] = None
