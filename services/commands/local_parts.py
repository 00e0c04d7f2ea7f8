"""What the command line takes from the composition root."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from shared.client.progress import Progress
from shared.log.port import LogReader
from shared.settings import Settings

if TYPE_CHECKING:  # what alerts need (NumPy, SciPy) is slow to import and heavy, and most commands have no use for it
    from services.alerts.backtest import Outcome
    from services.alerts.settings import AlertSettings


class LocalParts(Protocol):
    """The parts that run in this process. Every method may raise `ParcoursError`; nothing is opened before it is called."""

    @property
    def service_names(self) -> Sequence[str]:
        """The services that `parcours service NAME` runs."""

    def settings(self) -> Settings:
        """The settings of this site."""

    def rules(self) -> Mapping[str, Any]:
        """The resolved document of rule settings (`shared.detection.settings`) that this site starts with."""

    def run(self) -> int:
        """Runs the whole platform until it is stopped; the exit status."""

    def service(self, name: str) -> int:
        """Runs one service until it is stopped; the exit status."""

    def journey_events(self) -> LogReader:
        """Reads the log of events, as stored: pseudonymous."""

    def doctor(self) -> Mapping[str, Any]:
        """Checks what can be checked while the platform does not run: a `report.Report` as JSON values."""

    def migrations(self, *, apply: bool) -> Sequence[Mapping[str, Any]]:
        """The store's migrations in order, as `report.Migration` in JSON values, after applying those missing if `apply`."""

    def import_file(
        self,
        path: Path,
        mapping_path: Path,
        *,
        ingest_url: str,
        analytics_url: str,
        wait: bool,
        dry_run: bool,
        output: Path | None,
        progress: Progress | None,
    ) -> tuple[Sequence[str], int]:
        """Turns the rows of a file into events and sends them: what came of it in lines to read, and the exit status."""

    def dump(self, folder: Path, counted: Callable[[int, int], None]) -> Mapping[str, int]:
        """Writes all rows into the folder; rows by table. `counted` takes rows done and rows in all."""

    def restore(self, folder: Path, counted: Callable[[int, int], None]) -> Mapping[str, int]:
        """Reads such a folder into an empty store; rows by table."""

    def reshard(self, partitions: int) -> Mapping[str, int]:
        """Gives a cluster's log so many partitions: `partitions`, `before`, journeys `moved` and `of_unknown_shard`."""

    def alerts(self, file: Path | None) -> "AlertSettings":
        """The alert settings of the file, or those of this site."""

    def check_alerts(self, file: Path | None, *, secrets: bool) -> Path:
        """Checks the alert file, or that of this site, as a start does; the file. `secrets`: also those that it names."""

    def backtest(self, first: date, last: date, file: Path | None, counted: Callable[[int, int], None]) -> "Outcome":
        """Judges the stored past again from one day to another, both included; `counted` takes quarter hours done and in all."""
