"""Alerts on one machine: engine and sender in threads of analytics, which alone opens ClickHouse there."""

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Final

from services.alerts.engine import Streams
from services.alerts.engine_status import EngineStatus
from services.wiring.alert_metrics import expose_alerts
from services.wiring.alert_parts import open_engine, open_keeping, open_sender, read_alert_rules
from services.wiring.folder import DataFolder
from services.wiring.pruning import Pruning
from services.wiring.streams import ALERTS_CONSUMERS, EVENTS, INGEST_REJECTS, LOAD_REJECTS, POINTS
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import ALERTS
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store

_STOP_LIMIT_S: Final = 3.0

_log = logging.getLogger(__name__)


class Alerting:
    """Looks and tells until `stop` is set. When it cannot go on, sets `stop` itself; `finish` then raises why.

    Opening reads the settings, and raises `ConfigurationError` for a mistake in them, a playbook, or a secret that is missing.
    pruning: to which the topic of this machine is added, if a receiver needs it.
    """

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        store: Store,
        registry: Registry,
        pruning: Pruning,
        stop: threading.Event,
    ) -> None:
        self._stop = stop
        self._failure: Exception | None = None
        self._stack = ExitStack()
        self.rules = read_alert_rules(settings, os.environ)
        topic = self._open_topic(settings, folder, pruning) if self.rules.needs_topic() else None
        self.sender = open_sender(self.rules, registry, topic)
        self.keeping = open_keeping(settings, self.rules, registry)
        background = ThreadPoolExecutor(1, thread_name_prefix="alerts-past")
        self._stack.callback(background.shutdown, wait=False, cancel_futures=True)
        self._engine = open_engine(store, self._streams(folder), self.keeping, self.rules, background, self.sender.wake)
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        expose_alerts(self.status, registry.outbox)

    def start(self) -> None:
        """Begin to look and to tell."""
        self.sender.start()
        self._thread.start()

    def status(self) -> EngineStatus:
        """How the engine is."""
        return self._engine.status()

    def check(self) -> str:
        """For readiness: "ok", or why nobody is looking."""
        return self.status().trouble() or "ok"

    def finish(self) -> None:
        """Wait for the end after `stop` was set, a few seconds at most. Raises what made it stop before."""
        self._thread.join(_STOP_LIMIT_S)
        self.sender.stop(_STOP_LIMIT_S)
        self._stack.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._engine.run(self._stop)
        except Exception as error:
            _log.info(
                "watching for alerts cannot go on", exc_info=True
            )  # `finish` raises it, and the service says it last
            self._failure = error
            self._stop.set()

    def _streams(self, folder: DataFolder) -> Streams:
        events, points, *rejects = (
            self._stack.enter_context(closing(LocalLogReader(folder.stream(name), name)))
            for name in (EVENTS, POINTS, INGEST_REJECTS, LOAD_REJECTS)
        )
        return Streams(events, points, rejects)

    def _open_topic(self, settings: Settings, folder: DataFolder, pruning: Pruning) -> LocalLogWriter:
        writer = LocalLogWriter(folder.stream(ALERTS), ALERTS)
        self._stack.callback(writer.close)
        pruning.add(writer, settings.log_retention_days, ALERTS_CONSUMERS)
        return writer
