"""The assembler: from `events` into `journeys`, whatever the loader has noted in `touched_journeys`; contacts are judged,
and points placed.

It takes batches of keys in order, rebuilds their journeys from all of their events, and only then deletes the batches: what a
crash leaves undone is done again, with the same result under a higher version.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
from clickhouse_connect.driver.client import Client

from services.loader import journey_sql
from services.loader.judging import Judge
from services.loader.staging import await_earlier_inserts, take_staging
from services.loader.touched import note_past
from shared.clock import now_us
from shared.detection.cuts import cuts, cutting, smallest_gap_us
from shared.detection.draft import journey_id
from shared.detection.failure_demand import judging
from shared.detection.fold import MAX_JOURNEY_EVENTS
from shared.detection.occurrence import Reference
from shared.detection.settings import DEFAULTS, RuleBook
from shared.store.assembled import WAITING, JourneysFreshness, read_freshness
from shared.store.client import Store, insert_rows
from shared.store.complete_sums import complete_sums
from shared.store.failures import typed_errors

MAX_KEYS: Final = 100_000
"""(subject, service) of one run, unless one batch alone has more."""
MAX_EVENTS: Final = 1_000_000
"""Events that are staged at once: keys that have more are taken in parts, a key that has more by itself in ranges."""
MAX_MERGED_BYTES: Final = 4 * 1_073_741_824
"""Partitions of `journeys` beyond this are left to ClickHouse's own merges."""

_BEFORE_ALL: Final = Reference(0, "", "")


class Cut(NamedTuple):
    """One journey: its key, number and hash, its first event, and which of the key's events in order it holds.

    `place`, from 1, is among the events that are staged.
    """

    subject: str
    service: str
    cut: int
    journey: str
    started_us: int
    place: int
    size: int


class Assembled(NamedTuple):
    """What one run did: keys taken, journeys written, and whether more is waiting."""

    keys: int = 0
    journeys: int = 0
    more: bool = False


class Assembler:
    """Fills `journeys`. One thread only, with a ClickHouse client of its own, which `open_client` gives at the first use.

    `book` gives the rule settings in force; `on_server` says that ClickHouse may still run what was given up; `fence` is the token of the lease under which a server is loaded.
    """

    def __init__(
        self,
        open_client: Callable[[], Client],
        book: Callable[[], RuleBook],
        clock_us: Callable[[], int],
        *,
        on_server: bool = False,
        fence: int = 0,
        max_keys: int = MAX_KEYS,
        max_events: int = MAX_EVENTS,
    ) -> None:
        self._open_client = open_client
        self._book = book
        self._clock_us = clock_us
        self._on_server = on_server
        self._fence = fence
        self._max_keys = max_keys
        self._max_events = max_events
        self._sql = journey_sql.statements(fence)
        self._judge = Judge(fence, self._sql.events, max_events)
        self._client: Client | None = None
        self._settled = False
        self._noted = ("", "")
        self._version = 0

    def run_once(self) -> Assembled:
        """Assemble the journeys of the oldest batches.

        Raises `StoreError`, and what `book` raises: call again, nothing is lost.
        """
        book = self._book()
        with typed_errors("journeys"):
            writer = self._begin(book)
            batch, keys, loaded, more = self._next(writer)
            if not keys:
                return Assembled()
            self._settled = False
            part = {"batch": batch, "of": 1, "number": 0}
            written = self._assemble(writer, book, part) if loaded else self._judge_only(writer, book, part)
            writer.command(journey_sql.TAKEN, parameters={"batch": batch}, settings={"mutations_sync": 2})
            self._settled = True
        return Assembled(keys, written, more)

    def merge_once(self) -> bool:
        """Merge the partition of `journeys` that lies in the most parts; whether there was one. Raises `StoreError`."""
        with typed_errors("journeys merge"):
            if self._client is None:
                return False
            about = {"most_bytes": MAX_MERGED_BYTES}
            found = self._client.query(journey_sql.FRAGMENTED, parameters=about).result_rows
            for (partition,) in found:
                self._client.command(journey_sql.MERGE, parameters={"partition": partition})
            return bool(found)

    def freshness(self) -> JourneysFreshness:
        """How far journeys are behind. Raises `StoreError`."""
        with typed_errors("touched_journeys"):
            if self._client is None:
                self._client = self._open_client()
            return read_freshness(self._client.query(WAITING).result_rows[0])

    def _begin(self, book: RuleBook) -> Client:
        """The client; after a failure, and at first, only once no earlier insert can write any more."""
        if self._client is None:
            self._client = self._open_client()
        writer = self._client
        if not self._settled:
            if self._fence:
                take_staging(writer, journey_sql.PLAIN, self._fence)
            if self._on_server:
                await_earlier_inserts(writer, assembling=True)
            complete_sums(writer)
            last = int(writer.query(journey_sql.LAST_VERSION).result_rows[0][0])
            self._version = max(self._version, last)
            self._settled = True
        settings = (cutting(book), judging(book))
        if self._noted != settings:
            note_past(writer, *settings)
            self._noted = settings
        return writer

    def _next(self, writer: Client) -> tuple[int, int, int, bool]:
        """Up to which batch to take, how many keys that is, of how many of them events were loaded, and whether there are more."""
        batch, keys, loaded = 0, 0, 0
        for number, count, of_events in writer.query(journey_sql.BATCHES).result_rows:
            if keys and keys + count > self._max_keys:
                return batch, keys, loaded, True
            batch, keys, loaded = number, keys + count, loaded + of_events
        return batch, keys, loaded, False

    def _judge_only(self, writer: Client, book: RuleBook, part: dict[str, int]) -> int:
        """Of keys that only points were loaded of: no journeys are written."""
        self._empty(writer)
        self._judge.judge(writer, book, part)
        return 0

    def _assemble(self, writer: Client, book: RuleBook, part: dict[str, int]) -> int:
        """Rebuild the journeys of a part of the keys, divided until its events fit."""
        self._empty(writer)
        writer.command(self._sql.stage, parameters=part | {"limit": self._max_events + 1})
        about = {"most": MAX_JOURNEY_EVENTS, "gap": smallest_gap_us(book)}
        found = list(writer.query(self._sql.staged, parameters=about).result_rows)
        if sum(events for *_, events, _, _ in found) <= self._max_events:
            journeys = list(self._cuts(writer, book, found))
            self._write(writer, journeys)
            self._remove(writer, part)
            self._judge.judge(writer, book, part)
        else:
            keys = writer.query(journey_sql.KEYS, parameters=part).result_rows
            if len(keys) > 1:
                of, number = part["of"], part["number"]
                halves = [part | {"of": of * 2, "number": each} for each in (number, number + of)]
                return sum(self._assemble(writer, book, half) for half in halves)
            journeys = self._assemble_long(writer, book, part, *keys[0])
            self._remove(writer, part)
            self._judge.place_again(writer, part)
        return len(journeys)

    def _write(self, writer: Client, journeys: Iterable[Cut]) -> None:
        """The journeys of the staged events under a new version."""
        self._version = max(self._clock_us(), self._version + 1)
        self._insert_cuts(writer, journeys)
        writer.command(self._sql.assemble, parameters={"version": self._version})

    def _remove(self, writer: Client, part: dict[str, int]) -> None:
        """Take away the journeys of these keys that are no longer among those cut."""
        writer.command(self._sql.remove, parameters=part | {"version": self._version})

    def _insert_cuts(self, writer: Client, journeys: Iterable[Cut]) -> None:
        rows = [each._asdict() for each in journeys]
        if rows:
            insert_rows(writer, self._sql.cuts, msgspec.json.encode(rows))

    def _empty(self, writer: Client) -> None:
        for table in (self._sql.events, self._sql.cuts):
            writer.command(f"TRUNCATE TABLE {table}")

    def _cuts(self, writer: Client, book: RuleBook, found: list[Any]) -> Iterator[Cut]:
        """The journeys of the staged keys: one, unless the events of a key lie far apart or are many."""
        uncertain: list[tuple[str, str]] = []
        for subject, service, events, started_us, may_be_cut in found:
            if may_be_cut:
                uncertain.append((subject, service))
            else:
                yield Cut(subject, service, 0, journey_id(subject, service, 0), started_us, 1, events)
        if uncertain:
            rows = writer.query(self._sql.events_of, parameters={"keys": uncertain}).result_rows
            for (subject, service), of_key in groupby(rows, key=lambda row: (row[0], row[1])):
                events = [(time_us, kind, case) for _, _, time_us, kind, case in of_key]
                yield from _cut(subject, service, events, book)

    def _assemble_long(
        self, writer: Client, book: RuleBook, part: dict[str, int], subject: str, service: str
    ) -> list[Cut]:
        """A key with more events than are staged at once: range by range, each of whole journeys. What was cut is staged."""
        key = {"subject": subject, "service": service}
        journeys: list[Cut] = []
        group: list[tuple[Cut, Reference]] = []
        for found in self._walk(writer, book, key):
            journeys.append(found[0])
            if group and group[-1][0].place + group[-1][0].size + found[0].size - group[0][0].place > self._max_events:
                self._write_range(writer, key, group)
                self._judge.judge(writer, book, part, whole=False)
                group = []
            group.append(found)
        self._write_range(writer, key, group)
        self._judge.judge(writer, book, part, whole=False)
        self._empty(writer)
        self._insert_cuts(writer, journeys)
        return journeys

    def _write_range(self, writer: Client, key: dict[str, str], group: list[tuple[Cut, Reference]]) -> None:
        first_place, first = group[0][0].place, group[0][1]
        self._empty(writer)
        about = {
            "from_us": first.time_us,
            "from_source": first.source,
            "from_id": first.id,
            "limit": sum(cut.size for cut, _ in group),
        }
        writer.command(self._sql.stage_range, parameters=key | about)
        self._write(writer, [cut._replace(place=cut.place - first_place + 1) for cut, _ in group])

    def _walk(self, writer: Client, book: RuleBook, key: dict[str, str]) -> Iterator[tuple[Cut, Reference]]:
        """The journeys of a key, each with its first event."""
        subject, service = key["subject"], key["service"]
        references: list[Reference] = []  # of the events that `cuts` has asked for and not yet numbered: one at most

        def events() -> Iterator[tuple[int, str, str]]:
            for time_us, source, event_id, kind, case in self._pages(writer, key):
                references.append(Reference(time_us, source, event_id))
                yield time_us, kind, case

        first, number, place, size = _BEFORE_ALL, -1, 1, 0
        for cut in cuts(events(), book.for_service(service)):
            reference = references.pop()
            if cut != number:
                if size:
                    yield _of(subject, service, number, first, place, size), first
                first, number, place, size = reference, cut, place + size, 0
            size += 1
        yield _of(subject, service, number, first, place, size), first

    def _pages(self, writer: Client, key: dict[str, str]) -> Iterator[tuple[int, str, str, str, str]]:
        after, limit = _BEFORE_ALL, max(self._max_events // 10, 1)
        while True:
            about = {"after_us": after.time_us, "after_source": after.source, "after_id": after.id, "limit": limit}
            rows: list[Any] = list(writer.query(journey_sql.PAGE, parameters=key | about).result_rows)
            yield from rows
            if len(rows) < limit:
                return
            after = Reference(*rows[-1][:3])


def _of(subject: str, service: str, number: int, first: Reference, place: int, size: int) -> Cut:
    return Cut(subject, service, number, journey_id(subject, service, number), first.time_us, place, size)


def _cut(subject: str, service: str, events: list[tuple[int, str, str]], book: RuleBook) -> Iterator[Cut]:
    numbered = enumerate(cuts(events, book.for_service(service)))
    for number, places in groupby(numbered, key=lambda each: each[1]):
        held = [place for place, _ in places]
        journey = journey_id(subject, service, number)
        yield Cut(subject, service, number, journey, events[held[0]][0], held[0] + 1, len(held))


def assemble_all(store: Store, book: RuleBook | None = None) -> int:
    """Assemble until nothing waits; the journeys written. Where no other assembler runs. Raises `StoreError`."""
    return assemble_with(store.writer(), book)


def assemble_with(writer: Client, book: RuleBook | None = None) -> int:
    """As `assemble_all`, through this client."""
    rules = book or RuleBook(DEFAULTS, 1)
    assembler = Assembler(lambda: writer, lambda: rules, now_us)
    written, step = 0, Assembled(more=True)
    while step.more:
        step = assembler.run_once()
        written += step.journeys
    return written
