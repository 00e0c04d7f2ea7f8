"""What an import did, for people and programs."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field


class ImportSummary(Struct, kw_only=True):
    """Counts of one import. `rejected` counts rows and events by reason, those the gateway refused included.

    `events` counts the distinct events that were built, by type and channel (empty where an event has none);
    `duplicates` the repeated ones, which are sent once; `accepted` those that are durable. A skipped row meets no `when`.
    """

    source: str
    rows: int = 0
    skipped: int = 0
    duplicates: int = 0
    accepted: int = 0
    dry_run: bool = False
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_file: Path | None = None

    @property
    def total_events(self) -> int:
        """The number of distinct events."""
        return self.events.total()

    @property
    def exit_status(self) -> int:
        """0 when everything was imported, 1 when anything was rejected."""
        return 1 if self.rejected else 0

    @property
    def events_by_type(self) -> dict[str, int]:
        """The number of distinct events of each type, most frequent first."""
        totals: Counter[str] = Counter()
        for (kind, _channel), count in self.events.items():
            totals[kind] += count
        return dict(totals.most_common())


def summary_lines(summary: ImportSummary) -> Iterator[str]:
    """The summary as lines of text."""
    yield f"source      {summary.source}"
    yield f"rows        {summary.rows:,}, of which skipped {summary.skipped:,}"
    yield f"events      {summary.total_events:,}"
    for (kind, channel), count in sorted(summary.events.items()):
        yield f"  {kind:<22} {channel or '-':<9} {count:>12,}"
    yield f"repeated    {summary.duplicates:,} in the file, not sent again"
    yield f"accepted    {_accepted(summary)}"
    yield f"rejected    {summary.rejected.total():,}"
    for reason, count in summary.rejected.most_common():
        yield f"  {reason:<32} {count:>12,}"
    if summary.rejected_file is not None:
        yield f"see         {summary.rejected_file}"


def _accepted(summary: ImportSummary) -> str:
    if summary.dry_run:
        return "nothing was sent (--dry-run)"
    return f"{summary.accepted:,}, of which those sent before are counted once"
