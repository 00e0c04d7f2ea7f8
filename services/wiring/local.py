"""What the command line finds in this process: the settings of the site, the services, the data when nothing runs."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.supervisor.platform import run_platform
from services.wiring.folder import DataFolder
from services.wiring.process import run_service
from services.wiring.rules import site_rules
from services.wiring.signals import signals
from services.wiring.streams import EVENTS
from services.wiring.targets import CLUSTER, ONE_MACHINE, is_ready, runner, targets
from shared.client.progress import Progress
from shared.clock import now_us
from shared.errors import ConfigurationError, ParcoursError
from shared.log.local import LocalLogReader
from shared.log.port import LogReader
from shared.settings import Settings, read_settings

if TYPE_CHECKING:
    from services.alerts.backtest import Outcome
    from services.alerts.settings import AlertSettings


class LocalPlatform:
    """The parts of the command line (`services.commands.local_parts.LocalParts`); nothing is opened before it is called."""

    service_names: Sequence[str] = (*ONE_MACHINE, *(name for name in CLUSTER if name not in ONE_MACHINE))

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def settings(self) -> Settings:
        """The settings of the environment. Raises `ConfigurationError`."""
        return read_settings(self._environment)

    def rules(self) -> Mapping[str, Any]:
        """The resolved rule settings of this site. Raises `ConfigurationError`."""
        return site_rules(self.settings().rules)

    def run(self) -> int:
        """Run the whole platform until it is stopped."""
        settings = self.settings()
        if settings.brokers:
            raise ConfigurationError(
                "PARCOURS_BROKERS is set: each service of a cluster is a process of its own (`parcours service NAME`); "
                "`parcours run` is for one machine"
            )
        if settings.alerts is not None:
            from services.wiring.alert_parts import read_alert_rules  # noqa: PLC0415 - NumPy and SciPy take their time

            read_alert_rules(settings, self._environment)  # a mistake stops the start, not the part that reads it later
        needs = {name: target.needs for name, target in ONE_MACHINE.items()}
        run_platform(settings, self._environment, needs, lambda name, pid: is_ready(settings, name, pid))
        return 0

    def service(self, name: str) -> int:
        """Run one service until it is stopped."""
        return run_service(name, lambda stop: self._run_service(name, stop))

    def _run_service(self, name: str, stop: threading.Event) -> None:
        settings = self.settings()
        table = targets(settings)
        if name not in table:
            where = "a cluster (PARCOURS_BROKERS is set)" if settings.brokers else "one machine (no PARCOURS_BROKERS)"
            raise ConfigurationError(f"{name} is no service of {where}; there are: {', '.join(table)}")
        with signals(name, settings):
            runner(table[name])(settings, stop)

    def journey_events(self) -> LogReader:
        """The log of events, as stored."""
        return LocalLogReader(DataFolder(self.settings().data).stream(EVENTS), EVENTS)

    def doctor(self) -> Mapping[str, Any]:
        """The data folder, and a recount of the rows while no process holds them."""
        from services.wiring import doctor  # noqa: PLC0415 - ClickHouse takes a second to import
        from services.wiring.analytics import open_store  # noqa: PLC0415

        settings = self.settings()
        parts = doctor.examine(settings, now_us)
        folder = DataFolder(settings.data)
        if folder.clickhouse.is_dir():
            store = open_store(settings, folder)
            try:
                parts += doctor.examine_store(store, settings)
            except ParcoursError as error:
                parts.append(doctor.Part("recount", "error", str(error), "stop that process, or wait for its answer"))
            finally:
                store.close()
        return doctor.report(parts)

    def migrations(self, *, apply: bool) -> Sequence[Mapping[str, Any]]:
        """The migrations of this site's ClickHouse, after applying those missing if `apply`."""
        from services.wiring.insights_app import list_migrations  # noqa: PLC0415
        from services.wiring.site_store import open_site_store  # noqa: PLC0415
        from shared.store.migrate import migrate  # noqa: PLC0415

        store = open_site_store(self.settings())
        try:
            listed = list_migrations(store)
            if apply:
                migrate(store)
        finally:
            store.close()
        return listed

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
        """Turn the rows of a file into events and send them, with this site's key and telephone region."""
        from services.importer.import_file import import_file  # noqa: PLC0415
        from services.importer.summary import summary_lines  # noqa: PLC0415

        settings = self.settings()
        summary = import_file(
            path,
            mapping_path,
            ingest_url=ingest_url,
            ingest_key=settings.ingest_key,
            analytics_url=analytics_url,
            wait=wait,
            dry_run=dry_run,
            output=output,
            phone_region=settings.phone_region,
            progress=progress,
        )
        return tuple(summary_lines(summary)), summary.exit_status

    def dump(self, folder: Path, counted: Callable[[int, int], None]) -> Mapping[str, int]:
        """Write all rows of this site's ClickHouse into the folder."""
        from services.wiring.site_store import dump_site  # noqa: PLC0415

        return dump_site(self.settings(), folder, counted)

    def restore(self, folder: Path, counted: Callable[[int, int], None]) -> Mapping[str, int]:
        """Read such a folder into this site's empty ClickHouse."""
        from services.wiring.site_store import restore_site  # noqa: PLC0415

        return restore_site(self.settings(), folder, counted)

    def reshard(self, partitions: int) -> Mapping[str, int]:
        """Give this cluster's log so many partitions."""
        settings = self.settings()
        if not settings.brokers:
            raise ConfigurationError("PARCOURS_BROKERS is not set: only the log of a cluster gets other partitions")
        from services.wiring.cluster.reshard import reshard  # noqa: PLC0415

        done = reshard(settings, partitions)
        return {
            "partitions": done.partitions,
            "before": done.before,
            "moved": done.moved.journeys,
            "of_unknown_shard": done.moved.of_unknown_shard,
        }

    def alerts(self, file: Path | None) -> "AlertSettings":
        """The alert settings of the file, or those of this site. Raises `ConfigurationError`."""
        from services.wiring.alert_settings import site_alerts  # noqa: PLC0415 - NumPy and SciPy take their time

        return site_alerts(self.settings().alerts) if file is None else site_alerts(file, "--settings")

    def check_alerts(self, file: Path | None, *, secrets: bool) -> Path:
        """Check the alert file, or that of this site, as a start does; the file that was checked."""
        from services.wiring.alert_settings import site_alerts, site_notification  # noqa: PLC0415

        path = file or self.settings().alerts
        if path is None:
            raise ConfigurationError("PARCOURS_ALERTS is not set: name the file to check")
        alerts = site_alerts(
            path, "PARCOURS_ALERTS" if file is None else "FILE", self._environment if secrets else None
        )
        site_notification(alerts, path)
        return path

    def backtest(self, first: date, last: date, file: Path | None, counted: Callable[[int, int], None]) -> "Outcome":
        """Judge the stored past again with the alert settings of the file, or of this site."""
        from services.wiring.alert_backtest import backtest_site  # noqa: PLC0415

        return backtest_site(self.settings(), first, last, file, counted)
