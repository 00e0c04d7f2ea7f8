"""What alerts tell of themselves as metrics."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final

from services.alerts.engine_status import EngineStatus
from shared.errors import RegistryError
from shared.registry.outbox import OutboxRows
from shared.telemetry import observe, observe_count

_FRESH_S: Final = 5.0

Read = Callable[[EngineStatus], float]


def expose_alerts(status: Callable[[], EngineStatus | None], outbox: OutboxRows) -> None:
    """Register the metrics of an engine; `status` is `None` where this process does not look, and nothing is told then."""

    def one(read: Read) -> Callable[[], Mapping[str, float]]:
        def values() -> Mapping[str, float]:
            now = status()
            return {} if now is None else {"": read(now)}

        return values

    def series() -> Mapping[str, float]:
        now = status()
        return {} if now is None else {"watched": now.series, "left_out": now.left_out, "unknown": now.unknown}

    def opened() -> Mapping[str, float]:
        now = status()
        return {} if now is None else dict(now.open)

    looking = one(lambda s: float(not s.trouble()))
    observe("parcours.alerts.looking", "1 while rounds are judged", "{engine}", looking, "")
    observe("parcours.alerts.round.age", "Time since the last round", "s", one(lambda s: s.age_s), "")
    observe("parcours.alerts.round", "Duration of the last round", "s", one(lambda s: s.round_s), "")
    observe("parcours.alerts.behind", "How far the last round was behind the clock", "s", one(lambda s: s.behind_s), "")
    observe_count("parcours.alerts.rounds", "Rounds judged", "{round}", one(lambda s: s.rounds), "")
    observe("parcours.alerts.series", "Series of points, by whether they are judged", "{series}", series, "state")
    observe("parcours.alerts.rows", "Rows of points counted in the windows", "{row}", one(lambda s: s.rows), "")
    refused = one(lambda s: s.refused)
    observe_count("parcours.alerts.refused.rows", "Rows beyond the bound of what is counted", "{row}", refused, "")
    observe("parcours.alerts.open", "Alerts that are not resolved", "{alert}", opened, "severity")
    observe("parcours.alerts.outbox", "Messages that are not delivered", "{message}", _Outbox(status, outbox), "state")


class _Outbox:
    """Counts of the outbox, at most a few seconds old; none while the registry does not answer."""

    def __init__(self, status: Callable[[], EngineStatus | None], outbox: OutboxRows) -> None:
        self._status = status
        self._outbox = outbox
        self._asked_s = float("-inf")
        self._counts: Mapping[str, float] = {}

    def __call__(self) -> Mapping[str, float]:
        if self._status() is None:
            return {}
        if monotonic() - self._asked_s >= _FRESH_S:
            self._asked_s = monotonic()
            try:
                self._counts = dict(self._outbox.counts())
            except RegistryError:
                self._counts = {}
        return self._counts
