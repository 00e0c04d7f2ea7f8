"""Alerts of a cluster: one process at a time looks and tells, under a lease of the registry; others stand by."""

import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any, Final

from msgspec.structs import asdict

from services.alerts.engine import Engine, Streams
from services.alerts.engine_status import EngineStatus
from services.wiring.alert_metrics import expose_alerts
from services.wiring.alert_parts import AlertRules, open_engine, open_keeping, open_sender, read_alert_rules, trial_of
from services.wiring.cluster.alert_trials import Trials
from services.wiring.cluster.heart import Heart
from services.wiring.cluster.loader import WhileHeld
from services.wiring.cluster.parts import instance_name, open_store
from services.wiring.registry import open_registry
from services.wiring.signals import expose_lease
from services.wiring.version import program_version
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import ALERTS, FRICTIONS, JOURNEY_EVENTS, REJECTED_EVENTS, LogWriter
from shared.registry.alert_rows import Fence
from shared.registry.keeper import LeaseKeeper
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store

SERVICE: Final = "alerts"
"""The name of the lease and of the heartbeats."""

_STANDBY_POLL_S: Final = 0.5
_STOP_LIMIT_S: Final = 5.0

_log = logging.getLogger(__name__)


def run_alerts(settings: Settings, stop: threading.Event) -> None:
    """Look while this process holds the lease, until `stop` is set; stand by while another does.

    Raises `ParcoursError` when that cannot begin or go on; `ConfigurationError` at once for a mistake in the alert settings.
    """
    rules = read_alert_rules(settings, os.environ)
    with ExitStack() as stack:
        registry = stack.enter_context(open_registry(settings))
        topic = stack.enter_context(closing(KafkaLogWriter(settings.brokers, ALERTS))) if rules.needs_topic() else None
        open_sender(rules, registry, topic).stop(0)  # what cannot be opened is known at once
        store = open_store(settings)
        stack.callback(store.close)
        signs = Signs()
        expose_alerts(signs.status, registry.outbox)
        stack.enter_context(Heart(registry.heartbeats, SERVICE, instance_name(settings), signs))
        keeper = stack.enter_context(LeaseKeeper(registry.leases, SERVICE, instance_name(settings)))
        expose_lease(keeper)
        while not stop.is_set():
            if keeper.wait(_STANDBY_POLL_S):
                held = WhileHeld(stop, keeper)
                _look(settings, rules, (registry, store, topic), held, signs)
                if not stop.is_set():
                    _log.warning("the lease is lost, nobody looks from here", extra={"token": held.token})


def _look(
    settings: Settings,
    rules: AlertRules,
    opened: tuple[Registry, Store, LogWriter | None],
    held: WhileHeld,
    signs: "Signs",
) -> None:
    """Look and tell while the lease is held."""
    registry, store, topic = opened
    with ExitStack() as stack:
        events, points, rejects = (
            stack.enter_context(closing(KafkaLogReader(settings.brokers, name)))
            for name in (JOURNEY_EVENTS, FRICTIONS, REJECTED_EVENTS)
        )
        background = ThreadPoolExecutor(1, thread_name_prefix="alerts-past")
        stack.callback(background.shutdown, wait=False, cancel_futures=True)
        sender = open_sender(rules, registry, topic)
        sender.start()
        stack.callback(sender.stop, _STOP_LIMIT_S)
        trials = Trials(registry.values, trial_of(sender, rules, settings.small_cell_min))
        trials.start()
        stack.callback(trials.close, _STOP_LIMIT_S)
        keeping = open_keeping(settings, rules, registry, lambda: Fence(SERVICE, held.token))
        engine = open_engine(store, Streams(events, points, [rejects]), keeping, rules, background, sender.wake)
        signs.engine = engine
        stack.callback(signs.forget)
        engine.run(held)


class Signs:
    """What the process says of itself once a second: `looking` or `standby`, and how it is."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def forget(self) -> None:
        """It does not look any more."""
        self.engine = None

    def status(self) -> EngineStatus | None:
        """How the engine is; `None` while another process looks."""
        engine = self.engine
        return None if engine is None else engine.status()

    def __call__(self) -> Mapping[str, Any]:
        """JSON values."""
        signs: dict[str, Any] = {"version": program_version(), "pid": os.getpid(), "state": "standby"}
        status = self.status()
        if status is None:
            return signs
        return signs | {"state": "looking", **asdict(status), "open": dict(status.open), "trouble": status.trouble()}
