"""The assembler: from `events` into `journeys`, whatever the loader has noted in `touched_journeys`.

It takes batches of keys in order, rebuilds their journeys from all of their events, and only then deletes the batches: what a
crash leaves undone is done again, with the same result under a higher version.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
from clickhouse_connect.driver.client import Client

from services.loader.journey_sql import BATCHES, TAKEN, statements
from shared.clock import now_us
from shared.detection.cuts import cuts, smallest_gap_us
from shared.detection.draft import journey_id
from shared.detection.fold import MAX_JOURNEY_EVENTS
from shared.detection.settings import DEFAULTS, RuleBook
from shared.store.client import Store, insert_rows
from shared.store.failures import typed_errors

MAX_KEYS: Final = 50_000
"""(subject, service) of one run, unless one batch alone has more."""
MAX_EVENTS: Final = 1_000_000
"""Events that are staged at once; the keys of a run that has more are taken in parts."""

Key = tuple[str, str]


class Cut(NamedTuple):
    """One journey: its key, number and hash, and which of the key's events in order it holds (`place` from 1)."""

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

    `book` gives the rule settings in force; `fence` is the token of the lease under which a server is loaded.
    """

    def __init__(
        self,
        open_client: Callable[[], Client],
        book: Callable[[], RuleBook],
        clock_us: Callable[[], int],
        fence: int = 0,
        max_keys: int = MAX_KEYS,
        max_events: int = MAX_EVENTS,
    ) -> None:
        self._open_client = open_client
        self._book = book
        self._clock_us = clock_us
        self._max_keys = max_keys
        self._max_events = max_events
        self._sql = statements(fence)
        self._client: Client | None = None
        self._version = 0

    def run_once(self) -> Assembled:
        """Assemble the journeys of the oldest batches. Raises `StoreError`: call again, nothing is lost."""
        with typed_errors("journeys"):
            writer = self._writer()
            batch, keys, more = self._next(writer)
            if not keys:
                return Assembled()
            book = self._book()
            written = self._assemble(writer, book, batch, 1, 0)
            writer.command(TAKEN, parameters={"batch": batch}, settings={"lightweight_deletes_sync": 2})
        return Assembled(keys, written, more)

    def _writer(self) -> Client:
        if self._client is None:
            client = self._open_client()
            self._version = int(client.query("SELECT max(version) FROM journeys").result_rows[0][0])
            self._client = client
        return self._client

    def _next(self, writer: Client) -> tuple[int, int, bool]:
        """Up to which batch to take, how many keys that is, and whether there are more."""
        batches = writer.query(BATCHES).result_rows
        batch, keys = 0, 0
        for number, count in batches:
            if keys and keys + count > self._max_keys:
                return batch, keys, True
            batch, keys = number, keys + count
        return batch, keys, False

    def _assemble(self, writer: Client, book: RuleBook, batch: int, of: int, number: int) -> int:
        """Rebuild the journeys of a part of the keys, divided until its events fit."""
        part = {"batch": batch, "of": of, "number": number}
        for table in (self._sql.events, self._sql.cuts):
            writer.command(f"TRUNCATE TABLE {table}")
        writer.command(self._sql.stage, parameters=part | {"limit": self._max_events + 1})
        found = self._staged(writer, book)
        if sum(events for *_, events, _, _ in found) > self._max_events and len(found) > 1:
            return sum(self._assemble(writer, book, batch, of * 2, each) for each in (number, number + of))
        journeys = list(self._cuts(writer, book, found))
        if journeys:
            insert_rows(writer, self._sql.cuts, msgspec.json.encode([each._asdict() for each in journeys]))
        self._version = max(self._clock_us(), self._version + 1)
        writer.command(self._sql.assemble, parameters=part | {"version": self._version})
        return len(journeys)

    def _staged(self, writer: Client, book: RuleBook) -> list[Any]:
        """Of every key staged: subject, service, events, first instant, and whether its events may have to be cut."""
        gap_us = smallest_gap_us(book.all_services())
        about = {"most": MAX_JOURNEY_EVENTS, "gap": gap_us}
        return list(writer.query(self._sql.staged, parameters=about).result_rows)

    def _cuts(self, writer: Client, book: RuleBook, found: list[Any]) -> Iterator[Cut]:
        uncertain: list[Key] = []
        for subject, service, events, started_us, may_be_cut in found:
            if may_be_cut:
                uncertain.append((subject, service))
            else:
                yield Cut(subject, service, 0, journey_id(subject, service, 0), started_us, 1, events)
        if uncertain:
            rows = writer.query(self._sql.events_of, parameters={"keys": uncertain}).result_rows
            for (subject, service), events_of_key in groupby(rows, key=lambda row: (row[0], row[1])):
                events = [(time_us, kind, case) for _, _, time_us, kind, case in events_of_key]
                yield from _cut(subject, service, events, book)


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
