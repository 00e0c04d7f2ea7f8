"""How far the cluster's loader is, asked from another process: its heartbeats, ClickHouse's positions, Kafka's ends."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from services.wiring.cluster.heart import SILENT_S
from services.wiring.cluster.loader import SERVICE
from shared.errors import LogError, RegistryError
from shared.log.port import LogReader, Position
from shared.registry.heartbeats import Heartbeats
from shared.store.client import Store

_FRESH_S: Final = 0.5
_POSITIONS: Final = """
SELECT stream, partition, argMax(log_id, at), argMax(next_offset, at) FROM positions GROUP BY stream, partition
"""

_log = logging.getLogger(__name__)


class LagReader(LogReader, Protocol):
    """A reader that counts what stands behind a position."""

    def lag_records(self, after: dict[int, Position]) -> int:
        """Records from the positions on."""


class ClusterLoading:
    """As `services.insights.ports.Loading`. What Kafka says is at most half a second old."""

    def __init__(
        self,
        heartbeats: Heartbeats,
        store: Store,
        readers: Sequence[LagReader],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._heartbeats = heartbeats
        self._store = store
        self._readers = list(readers)
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._lag: dict[str, int] = {}
        self._counted_s = float("-inf")

    def alive(self) -> bool:
        """Whether a loader that holds the lease has spoken lately; false when the registry does not answer either."""
        try:
            heartbeats = self._heartbeats.latest(SERVICE)
        except RegistryError as error:
            _log.warning("the loader's heartbeat cannot be read", extra={"reason": str(error)})
            return False
        return any(each.age_s < SILENT_S and each.document.get("state") == "loading" for each in heartbeats)

    def lag(self) -> Mapping[str, int]:
        """Records of each topic that are not loaded; a topic that cannot be asked is left out. Raises `StoreError`."""
        with self._lock:
            if self._monotonic_s() - self._counted_s >= _FRESH_S:
                self._lag = self._count()
                self._counted_s = self._monotonic_s()
            return dict(self._lag)

    def _count(self) -> dict[str, int]:
        loaded: dict[str, dict[int, Position]] = {}
        for stream, partition, log_id, next_offset in self._store.query(_POSITIONS).rows:
            loaded.setdefault(stream, {})[partition] = Position(log_id, next_offset)
        found: dict[str, int] = {}
        for reader in self._readers:
            try:
                found[reader.stream] = reader.lag_records(loaded.get(reader.stream, {}))
            except LogError as error:
                _log.warning("a topic cannot be asked", extra={"topic": reader.stream, "reason": str(error)})
        return found
