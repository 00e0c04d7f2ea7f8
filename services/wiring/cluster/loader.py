"""The loader of a cluster: from Kafka into ClickHouse, one process at a time under the registry's lease."""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from services.loader.loop import Loader
from services.loader.positions import DETECTED
from services.loader.refused import RejectLog
from services.wiring.assembling import Assembling
from services.wiring.cluster.heart import Heart
from services.wiring.cluster.parts import instance_name, open_store
from services.wiring.cluster.published_rules import RulesOfRegistry
from services.wiring.folder import DataFolder
from services.wiring.registry import open_registry
from services.wiring.rules import site_rules
from services.wiring.signals import expose_detector_lag, expose_lease, expose_loader_lag
from services.wiring.version import program_version
from shared.clock import now_us
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import FRICTIONS, JOURNEY_EVENTS, REJECTED_EVENTS, Record
from shared.privacy.keys import load_or_make_keys
from shared.privacy.sealing import Sealer
from shared.registry.keeper import LeaseKeeper
from shared.settings import Settings

LOADED: Final = (JOURNEY_EVENTS, FRICTIONS, REJECTED_EVENTS)
SERVICE: Final = "loader"
"""The name of the lease and of the heartbeats."""

_STANDBY_POLL_S: Final = 0.5

_log = logging.getLogger(__name__)


def run_loader(settings: Settings, stop: threading.Event) -> None:
    """Load while this process holds the lease, until `stop` is set; stand by while another does.

    Raises `ParcoursError` when that cannot begin or go on.
    """
    with ExitStack() as stack:
        registry = stack.enter_context(open_registry(settings))
        store = open_store(settings)
        stack.callback(store.close)
        readers = [KafkaLogReader(settings.brokers, topic) for topic in LOADED]
        for reader in readers:
            stack.callback(reader.close)
        rejects = RejectsTopic(settings.brokers)
        stack.callback(rejects.close)
        sink = RejectLog(rejects, Sealer(load_or_make_keys(DataFolder(settings.data).keys).sealing))
        signs = Signs()
        expose_loader_lag(signs.lag)
        expose_detector_lag(signs.detector_lag)
        stack.enter_context(Heart(registry.heartbeats, SERVICE, instance_name(settings), signs))
        keeper = stack.enter_context(LeaseKeeper(registry.leases, SERVICE, instance_name(settings)))
        expose_lease(keeper)
        rules = RulesOfRegistry(registry.values, site_rules(settings.rules))
        while not stop.is_set():
            if not keeper.wait(_STANDBY_POLL_S):
                continue
            held = WhileHeld(stop, keeper)
            days = settings.rejected_retention_days
            loader = Loader(store, readers, sink, None, now_us, days, fence=held.token)
            signs.loader = loader
            assembling = Assembling(store, rules, loader.freshness, stop, held, held.token)
            assembling.start()
            loader.run(held)
            signs.loader = None
            assembling.finish()
            if not stop.is_set():
                _log.warning("the lease is lost, loading stops", extra={"token": held.token})


class WhileHeld:
    """Ends a loop when it is asked to stop, and when the lease is lost or was lost and taken again meanwhile."""

    def __init__(self, stop: threading.Event, keeper: LeaseKeeper) -> None:
        self.token = keeper.token
        self._stop = stop
        self._keeper = keeper

    def is_set(self) -> bool:
        """Whether to end."""
        return self._stop.is_set() or not self._keeper.held() or self._keeper.token != self.token

    def wait(self, timeout: float) -> bool:
        """Wait for the end, at most so long; a lost lease is seen afterwards."""
        self._stop.wait(timeout)
        return self.is_set()


class RejectsTopic:
    """The topic of refused events as a writer that connects when there is something to write."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._writer: KafkaLogWriter | None = None

    def append(self, records: Sequence[Record]) -> list[int]:
        """As the port says. Raises `LogError`, and `ConfigurationError` when the topic is missing."""
        if self._writer is None:
            self._writer = KafkaLogWriter(self._brokers, REJECTED_EVENTS)
        return self._writer.append(records)

    def close(self) -> None:
        """Release the topic."""
        if self._writer is not None:
            self._writer.close()


class Signs:
    """What the loader says of itself once a second: `loading` or `standby`, and how far it is."""

    def __init__(self) -> None:
        self.loader: Loader | None = None

    def __call__(self) -> Mapping[str, Any]:
        """JSON values."""
        signs = {"version": program_version(), "pid": os.getpid(), "state": "standby"}
        loader = self.loader
        if loader is None:
            return signs
        freshness = loader.freshness()
        return signs | {
            "state": "loading",
            "loaded_us": freshness.loaded_us,
            "lag_s": freshness.lag_s,
            "failing_s": freshness.failing_s,
            "lag": self.lag(),
        }

    def lag(self) -> Mapping[str, int]:
        """Records of each topic that are not loaded, as of the last second; empty while another process loads."""
        loader = self.loader
        streams = {} if loader is None else loader.freshness().streams
        return {
            stream: sum(max(end - each.next_offsets.get(partition, 0), 0) for partition, end in each.ends.items())
            for stream, each in streams.items()
            if each.ends
        }

    def detector_lag(self) -> Mapping[str, int]:
        """Records of `journey-events` whose points are not loaded, as of the last second; empty while that is unknown."""
        loader = self.loader
        streams = {} if loader is None else loader.freshness().streams
        events, detected = streams.get(JOURNEY_EVENTS), streams.get(DETECTED)
        if events is None or detected is None:
            return {}
        found = detected.next_offsets
        return {"": sum(max(end - found.get(partition, 0), 0) for partition, end in events.ends.items())}
