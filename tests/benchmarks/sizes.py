"""How much is measured: in full, quickly, or (for the tests) hardly at all."""

from typing import Final

from msgspec import Struct


class Sizes(Struct, frozen=True, kw_only=True):
    """Repetitions, numbers of events and subjects, seconds of load; of alerts: series, load, alerts waited for, pages, changes."""

    repetitions: int
    gateway_s: float
    fold_events: int
    fold_subjects: int
    growing_events: int
    end_to_end_events: int
    end_to_end_subjects: int
    latency_s: float
    journeys: int
    alert_series: int
    alert_rate: float
    alert_latencies: int
    alert_latency_s: float
    alerts_open: int
    alert_pages: int
    alert_changes: int


FULL: Final = Sizes(
    repetitions=3,
    gateway_s=10.0,
    fold_events=500_000,
    fold_subjects=50_000,
    growing_events=20_000,
    end_to_end_events=300_000,
    end_to_end_subjects=50_000,
    latency_s=30.0,
    journeys=1_000_000,
    alert_series=10_000,
    alert_rate=2_000.0,
    alert_latencies=300,
    alert_latency_s=240.0,
    alerts_open=500,
    alert_pages=50,
    alert_changes=120,
)
QUICK: Final = Sizes(
    repetitions=1,
    gateway_s=3.0,
    fold_events=100_000,
    fold_subjects=10_000,
    growing_events=5_000,
    end_to_end_events=50_000,
    end_to_end_subjects=10_000,
    latency_s=8.0,
    journeys=50_000,
    alert_series=10_000,
    alert_rate=2_000.0,
    alert_latencies=100,
    alert_latency_s=60.0,
    alerts_open=500,
    alert_pages=50,
    alert_changes=30,
)
TINY: Final = Sizes(
    repetitions=1,
    gateway_s=0.3,
    fold_events=1_000,
    fold_subjects=50,
    growing_events=500,
    end_to_end_events=1_000,
    end_to_end_subjects=50,
    latency_s=1.0,
    journeys=500,
    alert_series=20,
    alert_rate=500.0,
    alert_latencies=3,
    alert_latency_s=3.0,
    alerts_open=5,
    alert_pages=3,
    alert_changes=2,
)
