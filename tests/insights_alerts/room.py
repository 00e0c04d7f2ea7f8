"""Alerts in a real registry, as the engine would leave them, for pages and API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.alerts.keeping import AlertKeeping, Message
from services.alerts.lifecycle import Round
from services.alerts.notification.telling import told
from services.alerts.policy import Policy
from services.alerts.steps import Taken
from services.wiring.alert_desk import RegistryDesk
from shared.alerts.finding import Finding, Series
from shared.alerts.sheet import Sheet
from shared.errors import NotDelivered
from shared.journey.instants import SECOND_US
from shared.registry.registry import Registry
from tests.alerts_notification.samples import settings
from tests.insights.conftest import NOW_US, new_registry

MINUTE_US = 60 * SECOND_US
SETTINGS = settings(otherwise=("day",))
FORM = Series("rise", rule="form_abandoned", service="housing-benefit", channel="web", territory="fr/idf/75")
CALLS = Series("rise", rule="queue_abandoned", service="passport", channel="phone")


class Room:
    """A registry, the engine's rounds in it, and the desk that pages work with. Time stands still unless a test moves it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.now_us = NOW_US
        self.keeping = AlertKeeping(registry, Policy(), self._tell)
        self.tried: list[str] = []
        self.broken = ""
        self.desk = RegistryDesk(
            registry,
            self.keeping,
            Policy(),
            SETTINGS,
            small_cell_min=10,
            clock_us=lambda: self.now_us,
            trial=self._try,
        )

    def round(self, *found: Finding, at_us: int | None = None) -> None:
        """A round of the engine that finds this."""
        at_us = self.now_us if at_us is None else at_us
        self.keeping.pass_round(self.keeping.begin(at_us), Round(now_us=at_us, findings=found), b"")

    def fire(self, *series: Series, at_us: int | None = None, **changes: object) -> Sequence[Sheet]:
        """A round that finds a rise of each of these; the open alerts."""
        at_us = self.now_us if at_us is None else at_us
        self.round(*(finding(each, at_us, **changes) for each in series or (FORM,)), at_us=at_us)
        return self.desk.open()

    def _tell(self, taken: Taken) -> list[Message]:
        return [Message(*each) for each in told(SETTINGS, taken.alert, taken.transition, 10)]

    def _try(self, receiver: str) -> None:
        self.tried.append(receiver)
        if self.broken:
            raise NotDelivered(self.broken)


def finding(series: Series, at_us: int, **changes: object) -> Finding:
    """Forty troubles within a quarter of an hour, where ten were expected."""
    values: dict[str, object] = {
        "series": series,
        "window": "fast",
        "from_us": at_us - 15 * MINUTE_US,
        "to_us": at_us,
        "since_us": at_us - 15 * MINUTE_US,
        "observed": 40.0,
        "expected": 10.0,
        "probability": 1e-9,
        "citizens": 38,
        "severity": "warning",
    }
    return Finding(**(values | changes))


@contextmanager
def new_room() -> Iterator[Room]:
    """A room with an empty registry."""
    with new_registry() as registry:
        yield Room(registry)
