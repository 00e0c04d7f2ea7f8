"""What is wrong with a cluster, part by part: `parcours doctor` asked from insights."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.wiring.cluster.heart import SILENT_S
from services.wiring.cluster.loader import SERVICE as LOADER
from services.wiring.cluster.loading import LagReader
from services.wiring.cluster.published_rules import RulesOfRegistry
from services.wiring.doctor import Part, alert_rounds, judged_by, recounted, registry_tables, rule_settings
from shared.clock import now_us
from shared.errors import LogError, ParcoursError, RegistryError
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store

DETECTOR: Final = "detector"
ALERTS: Final = "alerts"
_FAR_BEHIND: Final = 100_000


class ClusterDoctor:
    """Looks at everything that insights can reach; changes nothing."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        store: Store,
        readers: Sequence[LagReader],
        rules: RulesOfRegistry,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._readers = readers
        self._rules = rules

    def examine(self, lag: Mapping[str, int]) -> list[Part]:
        """Every part; `lag` is what is not loaded, by topic. Reads every row of ClickHouse. Raises `StoreError`."""
        return [
            rule_settings(self._settings),
            registry_tables(self._registry),
            self._processes(DETECTOR),
            self._processes(LOADER),
            self._processes(ALERTS),
            alert_rounds(self._registry, now_us()),
            *(self._topic(reader, lag) for reader in self._readers),
            judged_by(self._store, self._rules.version),
            *recounted(self._store),
        ]

    def _processes(self, service: str) -> Part:
        try:
            heartbeats = self._registry.heartbeats.latest(service)
        except RegistryError as error:
            return Part(service, "error", str(error), "see PARCOURS_REGISTRY and the database's own log")
        alive = [each for each in heartbeats if each.age_s < SILENT_S]
        if not alive:
            return Part(service, "error", "no process gives a sign", f"start `parcours service {service}`; see its log")
        names = ", ".join(each.instance for each in alive)
        return Part(service, "ok", f"{len(alive)} process(es): {names}")

    def _topic(self, reader: LagReader, lag: Mapping[str, int]) -> Part:
        name = f"topic {reader.stream}"
        try:
            partitions = len(reader.ends())
        except LogError as error:
            return Part(name, "error", str(error), "see PARCOURS_BROKERS and the brokers' own logs")
        except ParcoursError as error:
            return Part(name, "error", str(error), "restore log and ClickHouse together, or see docs/operations.md")
        if not partitions:
            return Part(name, "error", "it does not exist", "run `parcours service setup`")
        behind = lag.get(reader.stream, 0)
        text = f"{partitions} partition(s), {behind:,} records not loaded"
        if behind <= _FAR_BEHIND:
            return Part(name, "ok", text)
        return Part(name, "warning", text, "wait while an import runs; else see the loader's log")
