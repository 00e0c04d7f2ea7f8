"""The analytics process: the loader and insights on one port; the only process that opens ClickHouse on one machine."""

import logging
import threading
from contextlib import ExitStack
from typing import Final

from fastapi import FastAPI

from services.loader.loop import Loader
from services.loader.refused import RejectLog
from services.redetection.job import RedetectionJobs
from services.simulation.job import Simulations
from services.wiring import doctor
from services.wiring.alert_pages import machine_desk
from services.wiring.alerts import Alerting
from services.wiring.assembling import Assembling
from services.wiring.detector_metrics import expose_detector
from services.wiring.folder import DataFolder
from services.wiring.http import serve
from services.wiring.insights_app import build_insights
from services.wiring.listener import open_listener
from services.wiring.loading import Loading
from services.wiring.pruning import Pruning
from services.wiring.readiness import readiness_checks
from services.wiring.redetection import build_redetections
from services.wiring.registry import open_registry
from services.wiring.rules import RulesInForce, site_rules
from services.wiring.signals import expose_loader_lag
from services.wiring.simulation import build_simulations
from services.wiring.streams import EVENTS, INGEST_REJECTS, LOAD_REJECTS, POINTS, REJECTS_CONSUMERS
from shared.clock import now_ms, now_us
from shared.ingest.published_rules import PublishedRulesFile
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.privacy.keys import Keys, load_or_make_keys
from shared.privacy.sealing import Sealer
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store
from shared.store.migrate import migrate

_LOADED: Final = (EVENTS, POINTS, INGEST_REJECTS, LOAD_REJECTS)

_log = logging.getLogger(__name__)


def open_store(settings: Settings, folder: DataFolder) -> Store:
    """ClickHouse in the data folder; nothing is opened before its first use."""
    dsn = f"chdb://{folder.clickhouse.resolve()}"
    return Store(dsn, settings.clickhouse_memory_mb, settings.query_limit_s)


def run_analytics(settings: Settings, stop: threading.Event) -> None:
    """Load, and serve pages and API, until `stop` is set. Raises `ParcoursError` when that cannot begin or go on."""
    folder = DataFolder(settings.data)
    folder.create()
    with ExitStack() as stack:
        stack.enter_context(folder.hold_service("analytics"))
        listener = stack.enter_context(open_listener(settings.host, settings.port, "PARCOURS_PORT"))
        store = open_store(settings, folder)
        stack.callback(store.close)
        migrate(store)
        _warn_of_damage(store)
        keys = load_or_make_keys(folder.keys)
        pruning = Pruning(folder.positions, now_ms, stop)
        loading = _loading(settings, folder, store, keys, pruning, stop, stack)
        expose_detector(folder, now_us)
        expose_loader_lag(loading.lag)
        simulations = build_simulations(store, now_us)
        stack.callback(simulations.close)
        registry = stack.enter_context(open_registry(settings))
        registry.upgrade()
        redetections = build_redetections(settings, store, keys, now_us, stop)
        alerting = Alerting(settings, folder, store, registry, pruning, stop)
        app = _app(settings, folder, store, loading, redetections, simulations, registry, keys, alerting)
        assembling = Assembling(store, _rules_in_force(settings, folder), loading.freshness, stop)
        pruning.start()
        loading.start()
        assembling.start()
        alerting.start()
        serve(app, listener, stop)
        stop.set()
        loading.finish()
        assembling.finish()
        alerting.finish()


def _warn_of_damage(store: Store) -> None:
    part = doctor.damaged_tables(store)
    if part.status != "ok":
        _log.warning("%s; %s", part.message, part.advice)


def _loading(
    settings: Settings,
    folder: DataFolder,
    store: Store,
    keys: Keys,
    pruning: Pruning,
    stop: threading.Event,
    stack: ExitStack,
) -> Loading:
    rejects = LocalLogWriter(folder.stream(LOAD_REJECTS), LOAD_REJECTS)
    stack.callback(rejects.close)
    pruning.add(rejects, settings.rejected_retention_days, REJECTS_CONSUMERS)
    sink = RejectLog(rejects, Sealer(keys.sealing))
    days = settings.rejected_retention_days
    loader = Loader(store, _readers(folder), sink, folder.positions, now_us, days)
    return Loading(loader, lambda: _readers(folder), stop)


def _readers(folder: DataFolder) -> list[LocalLogReader]:
    return [LocalLogReader(folder.stream(name), name) for name in _LOADED]


def _app(
    settings: Settings,
    folder: DataFolder,
    store: Store,
    loading: Loading,
    redetections: RedetectionJobs,
    simulations: Simulations,
    registry: Registry,
    keys: Keys,
    alerting: Alerting,
) -> FastAPI:
    return build_insights(
        settings,
        store,
        rules=_rules_in_force(settings, folder),
        loading=loading,
        examine=lambda: [
            *doctor.examine(settings, now_us),
            doctor.alert_gaps(alerting.status()),
            *doctor.examine_store(store, settings),
        ],
        redetections=redetections,
        records=registry.records,
        keys=keys,
        simulations=simulations,
        alerts=machine_desk(settings, registry, alerting),
        checks={**readiness_checks(folder, store, loading, now_us), "alerts": alerting.check},
    )


def _rules_in_force(settings: Settings, folder: DataFolder) -> RulesInForce:
    """With a reader of its own."""
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
    return RulesInForce(PublishedRulesFile(folder.published_rules, reader), reader, site_rules(settings.rules))
