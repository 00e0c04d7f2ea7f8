"""Insights of a cluster: pages and API over ClickHouse; the loader is another process."""

import threading
from contextlib import ExitStack

from services.wiring.alert_pages import cluster_desk
from services.wiring.cluster.doctor import ClusterDoctor
from services.wiring.cluster.loader import LOADED
from services.wiring.cluster.loading import ClusterLoading
from services.wiring.cluster.parts import open_store
from services.wiring.cluster.published_rules import RulesOfRegistry
from services.wiring.folder import DataFolder
from services.wiring.http import serve
from services.wiring.insights_app import build_insights
from services.wiring.listener import open_listener
from services.wiring.redetection import build_redetections
from services.wiring.registry import open_registry
from services.wiring.rules import site_rules
from services.wiring.simulation import build_simulations
from shared.clock import now_us
from shared.log.kafka.reader import KafkaLogReader
from shared.log.port import JOURNEY_EVENTS
from shared.privacy.keys import load_or_make_keys
from shared.settings import Settings


def run_insights(settings: Settings, stop: threading.Event) -> None:
    """Serve pages and API until `stop` is set. Raises `ParcoursError` when that cannot begin or go on."""
    with ExitStack() as stack:
        listener = stack.enter_context(open_listener(settings.host, settings.port, "PARCOURS_PORT"))
        registry = stack.enter_context(open_registry(settings))
        store = open_store(settings)
        stack.callback(store.close)
        readers = [KafkaLogReader(settings.brokers, topic) for topic in LOADED]
        for reader in readers:
            stack.callback(reader.close)
        rules = RulesOfRegistry(registry.values, site_rules(settings.rules))
        loading = ClusterLoading(registry.heartbeats, store, readers)
        doctor = ClusterDoctor(settings, registry, store, readers, rules)
        keys = load_or_make_keys(DataFolder(settings.data).keys)
        simulations = build_simulations(store, now_us)
        stack.callback(simulations.close)
        app = build_insights(
            settings,
            store,
            rules=rules,
            loading=loading,
            examine=lambda: doctor.examine(loading.lag()),
            redetections=build_redetections(settings, store, keys, now_us, stop, events=JOURNEY_EVENTS),
            records=registry.records,
            keys=keys,
            simulations=simulations,
            alerts=cluster_desk(settings, registry),
        )
        serve(app, listener, stop)
