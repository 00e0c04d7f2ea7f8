"""An import from beginning to end: read, build, sort, send, wait."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from services.importer.batches import batches
from services.importer.build import BuiltEvent, EventBuilder, Rejection
from services.importer.dry_run import CheckedOutput
from services.importer.mapping import Mapping, read_mapping
from services.importer.rejected_file import RejectedFile
from services.importer.repeats import RecentEvents, Repeat, neighbours
from services.importer.row import BadRow
from services.importer.rows import RowReader, open_rows
from services.importer.sort import EventSorter
from services.importer.summary import ImportSummary
from services.importer.wait import wait_until_queryable
from shared.client.http_client import ServiceClient, Sleep
from shared.client.progress import NoProgress, Progress
from shared.client.send import MAX_BATCH_BYTES, Ends, EventResult, IngestClient
from shared.clock import now_us as wall_clock_us

_ROWS_BETWEEN_PROGRESS: Final = 500


def import_file(
    path: Path,
    mapping_path: Path,
    *,
    ingest_url: str,
    analytics_url: str,
    ingest_key: str = "",
    wait: bool = False,
    dry_run: bool = False,
    output: Path | None = None,
    phone_region: str = "FR",
    progress: Progress | None = None,
    sleep: Sleep = time.sleep,
    now_us: Callable[[], int] = wall_clock_us,
) -> ImportSummary:
    """Imports a file as its mapping says, through the gateways at `ingest_url`, which may ask for `ingest_key`.

    All rows are read, and their events sorted, before the first is sent. With `wait` it returns when everything that was
    sent can be queried at `analytics_url`. With `dry_run` nothing is sent; `output` then takes the events as NDJSON, as
    they would be sent, with the subjects as they are; `phone_region` is the site's, for their telephone numbers.

    Raises `ConfigurationError` for a wrong mapping or file, `Unreachable` and other `ParcoursError`. Running it again
    sends the same ids, which count once.
    """
    mapping = read_mapping(mapping_path)
    shown = progress or NoProgress()
    with ExitStack() as stack:
        stack.callback(shown.end)
        rejected = stack.enter_context(closing(RejectedFile(path)))
        reader = stack.enter_context(open_rows(path, mapping))
        rejected.open()
        work = _Import(mapping, rejected, stack.enter_context(closing(EventSorter())), shown, dry_run=dry_run)
        work.read(reader)
        if dry_run:
            work.check(stack.enter_context(closing(CheckedOutput(output, now_us(), phone_region))))
        else:
            ingest = stack.enter_context(IngestClient("the ingest service", ingest_url, key=ingest_key, sleep=sleep))
            ends = work.send(ingest)
            if wait:
                analytics = ServiceClient("the analytics service", analytics_url, sleep=sleep)
                wait_until_queryable(stack.enter_context(analytics), ends, sleep=sleep, progress=shown)
        work.summary.rejected_file = rejected.path
    return work.summary


class _Import:
    """One import under way."""

    def __init__(
        self, mapping: Mapping, rejected: RejectedFile, sorter: EventSorter, progress: Progress, *, dry_run: bool
    ) -> None:
        self._mapping = mapping
        self._rejected = rejected
        self._sorter = sorter
        self._progress = progress
        self._recent = RecentEvents()
        self.summary = ImportSummary(source=mapping.source, dry_run=dry_run)

    def read(self, reader: RowReader) -> None:
        """Every row of the file into the sorter."""
        self._progress.begin("Reading", reader.size_bytes, "B")
        builder = EventBuilder(self._mapping, reader.columns)
        for row in reader.rows():
            self.summary.rows += 1
            if self.summary.rows % _ROWS_BETWEEN_PROGRESS == 0:
                self._progress.advance(reader.position_bytes())
            if isinstance(row, BadRow):
                self._reject(Rejection(row.line, row.number, row.reason, row.detail))
                continue
            events, rejections = builder.build(row)
            if not events and not rejections:
                self.summary.skipped += 1
            for rejection in rejections:
                self._reject(rejection)
            for event in events:
                if self._is_new(event, self._recent.add(event)):
                    self._sorter.add(event)
        self._progress.advance(reader.size_bytes)

    def send(self, ingest: IngestClient) -> Ends:
        """Everything in the sorter to the gateways, one batch in flight; where the log ends with it."""
        ingest.start_import(self._mapping.source)
        for batch in self._batches():
            body = b"[" + b",".join([event.body for event in batch]) + b"]"
            for event, result in zip(batch, ingest.send(body, len(batch)), strict=True):
                self._count(event, result)
        return ingest.finish_import(self._mapping.source)

    def check(self, output: CheckedOutput) -> None:
        """Everything in the sorter through the checks of a gateway, and to the output, instead of sending it."""
        for batch in self._batches():
            for event in batch:
                self._count(event, output.add(event.body))

    def _batches(self) -> Iterator[list[BuiltEvent]]:
        self._progress.begin("Checking" if self.summary.dry_run else "Sending", self._sorter.total, "events")
        done = 0
        for batch in batches(self._sorted()):
            yield batch
            done += len(batch)
            self._progress.advance(done)

    def _sorted(self) -> Iterator[BuiltEvent]:
        for event, repeat in neighbours(self._sorter.events()):
            if not self._is_new(event, repeat):
                continue
            if len(event.body) > MAX_BATCH_BYTES:
                self._reject_event(event, "event_too_large", f"{len(event.body)} bytes")
                continue
            self.summary.events[event.type, event.channel] += 1
            yield event

    def _is_new(self, event: BuiltEvent, repeat: Repeat) -> bool:
        if repeat is Repeat.SAME:
            self.summary.duplicates += 1
        elif repeat is Repeat.OTHER_CONTENT:
            self._reject_event(event, "conflicting_duplicate", "an earlier row gave this id other content")
        return repeat is Repeat.NONE

    def _count(self, event: BuiltEvent, result: EventResult) -> None:
        if result.status == "accepted":
            self.summary.accepted += 1
        elif result.status == "duplicate":
            self.summary.duplicates += 1
        else:
            self._reject_event(event, result.reason, result.detail, result.pointer)

    def _reject_event(self, event: BuiltEvent, reason: str, detail: str, field: str = "") -> None:
        self._reject(Rejection(event.line, event.row, reason, detail, field, event.type, event.id))

    def _reject(self, rejection: Rejection) -> None:
        self.summary.rejected[rejection.reason] += 1
        self._rejected.add(rejection)
