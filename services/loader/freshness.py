"""What the loader tells of itself: to the API that waits for rows, to readiness, to metrics."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from shared.log.port import Kind


class StreamFreshness(NamedTuple):
    """One stream: the log, the next offsets loaded and the log's ends, per partition.

    The stream `detected` is how far the detector is through `journey-events`, its output loaded; it has no ends.
    """

    log_id: str
    next_offsets: Mapping[int, int]
    ends: Mapping[int, int]


class Freshness(NamedTuple):
    """How fresh ClickHouse is.

    `loaded_us` is when the last step ended well (`None` before the first), `lag_s` how old the oldest record of that step
    was then, 0 where it left nothing unread. `failing_s` is for how long loading has been failing, 0 when it works.
    """

    streams: Mapping[str, StreamFreshness]
    loaded_us: int | None
    lag_s: float
    failing_s: float


NOT_YET = Freshness({}, None, 0.0, 0.0)


class LoaderMetrics:
    """The loader's instruments, through OpenTelemetry."""

    def __init__(self, freshness: Callable[[], Freshness]) -> None:
        meter = get_meter("parcours.loader")
        self._freshness = freshness
        self._rows = meter.create_counter(
            "parcours.loader.rows", unit="{row}", description="Rows loaded, repeats included"
        )
        self._refused = meter.create_counter(
            "parcours.loader.refused", unit="{row}", description="Rows that ClickHouse refused"
        )
        self._failures = meter.create_counter(
            "parcours.loader.failures", unit="{failure}", description="Loads that failed and were tried again"
        )
        self._batch_rows = meter.create_histogram(
            "parcours.loader.batch.rows", unit="{row}", description="Rows of one load"
        )
        self._step = meter.create_histogram("parcours.loader.step", unit="s", description="Time to load one batch")
        self._delay = meter.create_histogram(
            "parcours.loader.delay",
            unit="s",
            description="From durable in the log to queryable, oldest record of a batch",
        )
        meter.create_observable_gauge(
            "parcours.loader.lag", [self._lag], unit="s", description="Age of the oldest record not yet queryable"
        )

    def loaded(self, items: Mapping[Kind, int], refused: int, step_s: float, delay_s: float) -> None:
        """Count one batch."""
        for kind, count in items.items():
            if count:
                self._rows.add(count, {"kind": kind.value})
        if refused:
            self._refused.add(refused)
        self._batch_rows.record(sum(items.values()))
        self._step.record(step_s)
        self._delay.record(delay_s)

    def failed(self) -> None:
        """Count a load that failed."""
        self._failures.add(1)

    def _lag(self, _options: CallbackOptions) -> list[Observation]:
        freshness = self._freshness()
        return [Observation(max(freshness.lag_s, freshness.failing_s))]
