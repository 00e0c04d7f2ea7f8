"""What the composition root lets a process say of itself: export of its signals, and gauges of the parts it holds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from services.wiring.version import program_version
from shared.registry.keeper import LeaseKeeper
from shared.settings import Settings
from shared.telemetry import observe, start_metrics, start_traces


@contextmanager
def signals(service: str, settings: Settings) -> Iterator[None]:
    """Metrics of this process, and, where a collector is set, traces; what waits for export is sent at the end."""
    about = (service, settings.otlp_endpoint, settings.instance, program_version())
    ends = [start_metrics(*about), start_traces(*about)]
    try:
        yield
    finally:
        for end in ends:
            end()


def expose_lease(keeper: LeaseKeeper) -> None:
    """Tell whether this process holds the lease."""

    def held() -> Mapping[str, float]:
        return {keeper.name: float(keeper.held())}

    observe("parcours.registry.lease.held", "1 in the process that holds the lease", "{lease}", held, "lease")


def expose_loader_lag(lag: Callable[[], Mapping[str, int]]) -> None:
    """Tell how many records of each stream are not loaded; `lag` is read at each scrape, and takes no time."""
    observe("parcours.loader.lag.records", "Records that are not loaded yet", "{record}", lag, "stream")


def expose_detector_lag(lag: Callable[[], Mapping[str, float]]) -> None:
    """Tell what of the log is not detected; on one machine items, on a cluster records."""
    observe("parcours.detector.lag.items", "What of the log is not detected yet", "{item}", lag, "")
