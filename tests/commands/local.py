"""The parts that run in this process, as a test gives them; and running the command line with them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from services.alerts.backtest import Outcome
from services.alerts.settings import AlertSettings
from services.commands.cli import build_cli
from services.wiring.alert_settings import site_alerts
from services.wiring.folder import DataFolder
from services.wiring.local import LocalPlatform
from services.wiring.streams import EVENTS
from shared.detection.settings import DEFAULTS
from shared.errors import ConfigurationError, FolderInUse
from shared.log.local import LocalLogReader
from shared.log.port import LogReader
from shared.settings import Settings
from tests.importer.running_ingest import free_port


class Local:
    """A site whose platform does not run, unless a test starts something on its ports."""

    service_names = ("ingest", "detector", "analytics")

    def __init__(
        self, data: Path, *, ingest_port: int | None = None, port: int | None = None, phone_region: str = "FR"
    ) -> None:
        ports = {"ingest_port": ingest_port or free_port(), "port": port or free_port()}
        self._settings = Settings(data=data, phone_region=phone_region, **ports)
        self.report: Mapping[str, Any] = {"parts": []}
        self.calls: list[str] = []
        self.outcome = Outcome(fired=[], rounds=96, series=12, left_out=0)

    import_file = LocalPlatform.import_file
    """The real one: it needs the settings alone."""

    def settings(self) -> Settings:
        return self._settings

    def rules(self) -> Mapping[str, Any]:
        return DEFAULTS

    def run(self) -> int:
        self.calls.append("run")
        raise FolderInUse("the data folder is in use by process 1")

    def service(self, name: str) -> int:
        self.calls.append(name)
        return 3

    def journey_events(self) -> LogReader:
        return LocalLogReader(DataFolder(self._settings.data).stream(EVENTS), EVENTS)

    def doctor(self) -> Mapping[str, Any]:
        self.calls.append("doctor")
        return self.report

    def migrations(self, *, apply: bool) -> Sequence[Mapping[str, Any]]:
        self.calls.append("apply" if apply else "plan")
        status = "applied" if apply else "planned"
        return [{"name": "0001_events.sql", "status": "applied"}, {"name": "0002_points.sql", "status": status}]

    def dump(self, folder: Path, counted: Callable[[int, int], None]) -> Mapping[str, int]:
        self.calls.append(f"dump {folder}")
        counted(2, 2)
        return {"events": 2}

    def restore(self, folder: Path, counted: Callable[[int, int], None]) -> Mapping[str, int]:
        self.calls.append(f"restore {folder}")
        return {"events": 0}

    def reshard(self, partitions: int) -> Mapping[str, int]:
        self.calls.append(f"reshard {partitions}")
        return {"partitions": partitions, "before": 2, "moved": 1234, "of_unknown_shard": 5}

    def alerts(self, file: Path | None) -> AlertSettings:
        return site_alerts(file, "--settings")

    def check_alerts(self, file: Path | None, *, secrets: bool) -> Path:
        self.calls.append(f"check {file} {secrets}")
        return file or Path("site.toml")

    def backtest(self, first: date, last: date, file: Path | None, counted: Callable[[int, int], None]) -> Outcome:
        self.calls.append(f"backtest {first} {last} {file}")
        counted(96, 96)
        return self.outcome


class Unsettled(Local):
    """A site with a setting that is wrong."""

    def settings(self) -> Settings:
        raise ConfigurationError("PARCOURS_PRT is not a setting of Parcours; docs/settings.md lists them")


def parcours(local: Local, *arguments: str, stdin: str | bytes | None = None, **environment: str) -> Result:
    """Runs the command line."""
    runner = CliRunner(env={"LC_ALL": "", "LC_MESSAGES": "", "LANG": "C.UTF-8"} | environment)
    return runner.invoke(build_cli(local), arguments, input=stdin, catch_exceptions=False)
