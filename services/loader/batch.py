"""Sort the records of one step by what becomes of them. Pure."""

from collections.abc import Iterable
from typing import Final

from services.loader.targets import TARGETS
from shared.journey.codec import decode_controls
from shared.journey.control import DetectionProgressed
from shared.log.port import FRICTIONS, Kind, StoredRecord

MAX_BATCH_BYTES: Final = 32 * 1_048_576
MAX_BATCH_ITEMS: Final = 100_000
"""One step takes at most these; a step over all streams, shared out evenly between them."""


class Batch:
    """The records of one step: JSON arrays to insert per kind, the detector's progress, the next offsets per stream."""

    def __init__(self) -> None:
        self.values: dict[Kind, list[bytes]] = {kind: [] for kind in TARGETS}
        self.items: dict[Kind, int] = dict.fromkeys(TARGETS, 0)
        self.progress: list[DetectionProgressed] = []
        self.next_offsets: dict[str, dict[int, int]] = {}
        self.oldest_ms: int | None = None
        self.records = 0
        self.size_bytes = 0
        self.traceparents: dict[str, None] = {}

    @property
    def total(self) -> int:
        """Rows to insert."""
        return sum(self.items.values())

    def add(self, stream: str, records: Iterable[StoredRecord], limit_items: int) -> bool:
        """Take records of one stream in order, at most `limit_items` (but at least one record); whether all were taken."""
        taken = 0
        for record in records:
            if taken and taken + record.items > limit_items:
                return False
            taken += record.items
            self._take(record, detector=stream.partition(".")[0] == FRICTIONS)
            self.next_offsets.setdefault(stream, {})[record.partition] = record.offset + 1
        return True

    def _take(self, record: StoredRecord, *, detector: bool) -> None:
        """Control events are never loaded; of the detector's own, its progress is kept."""
        if record.kind is Kind.CONTROL and detector:
            self.progress += [item for item in decode_controls(record.value) if isinstance(item, DetectionProgressed)]
        elif record.kind is not Kind.CONTROL and record.items:
            self.values[record.kind].append(record.value)
            self.items[record.kind] += record.items
            self.records += 1
            self.size_bytes += len(record.value)
            self.traceparents[record.traceparent] = None
            self.oldest_ms = record.appended_ms if self.oldest_ms is None else min(self.oldest_ms, record.appended_ms)
