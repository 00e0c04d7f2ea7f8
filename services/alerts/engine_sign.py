"""What the engine's thread notes of itself, for other threads to read."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from services.alerts.engine_status import EngineStatus
from services.alerts.live import Live
from services.alerts.rounds import Rounds
from shared.alerts.alert import Alert
from shared.alerts.finding import SEVERITIES
from shared.errors import LogMismatch
from shared.journey.instants import SECOND_US


class Sign:
    """What the engine's thread notes, for others to read."""

    def __init__(self, monotonic_us: Callable[[], int]) -> None:
        self._monotonic_us = monotonic_us
        self._looked_us = monotonic_us()
        self._failing_since_us: int | None = None
        self._status = EngineStatus(open=dict.fromkeys(SEVERITIES, 0))
        self._unknown_us: int | None = None
        self.mismatches = 0

    def status(self) -> EngineStatus:
        """As of now."""
        now_us = self._monotonic_us()
        since_us = self._failing_since_us
        failing_s = 0.0 if since_us is None else (now_us - since_us) / SECOND_US
        return replace(self._status, age_s=(now_us - self._looked_us) / SECOND_US, failing_s=failing_s)

    def worked(self) -> None:
        """A step ended well."""
        self._failing_since_us = None
        self.mismatches = 0
        if self._status.error:
            self._status = replace(self._status, error="")

    def failed(self, error: Exception) -> float:
        """A step did not; for how long that has been so (s)."""
        now_us = self._monotonic_us()
        if self._failing_since_us is None:
            self._failing_since_us = now_us
        self.mismatches += isinstance(error, LogMismatch)
        self._status = replace(self._status, error=str(error))
        return (now_us - self._failing_since_us) / SECOND_US

    def looked(
        self, live: Live, rounds: Rounds, alerts: Sequence[Alert], now_us: int, at_us: int, took_us: int
    ) -> None:
        """A round was judged."""
        counted = Counter(alert.severity for alert in alerts if alert.state != "resolved")
        unknown = self._status.unknown
        if self._unknown_us is None or not 0 <= now_us - self._unknown_us < 60 * SECOND_US:
            unknown, self._unknown_us = rounds.unknown(at_us), now_us
        self._looked_us = self._monotonic_us()
        self._status = EngineStatus(
            rounds=self._status.rounds + 1,
            round_s=took_us / SECOND_US,
            behind_s=(now_us - at_us) / SECOND_US,
            series=rounds.series,
            left_out=rounds.left_out,
            unknown=unknown,
            rows=live.points.rows,
            refused=live.points.refused + live.rejects.refused,
            open={severity: counted[severity] for severity in SEVERITIES},
            looked_us=now_us,
            through_us=at_us,
        )
