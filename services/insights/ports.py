"""What insights needs from the process that hosts it: small protocols, given by the composition root."""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Protocol

from shared.alerts.alert import Transition
from shared.alerts.sheet import Backlog, Guide, Hidden, Letter, Looking, Receiving, Sheet
from shared.detection.settings import RuleBook
from shared.detection.what_if import Comparison, Scenario
from shared.registry import records
from shared.registry.alert_silences import SilenceRecord, SilenceValues

Clock = Callable[[], int]
"""Microseconds since 1970 UTC."""

RulesInForce = Callable[[], RuleBook]
"""The rule settings in force now."""

Records = records.Records
"""What people write down, and what was opened; thread-safe. Its parts raise `shared.errors.RegistryError`."""

Doctor = Callable[[], Mapping[str, Any]]
"""Recounts and checks; the report as it is shown, JSON values only."""

Migrations = Callable[[], Sequence[Mapping[str, Any]]]
"""The store's migrations in order, applied or planned; JSON values only."""


ReadinessChecks = Mapping[str, Callable[[], str]]
"""What else must hold for readiness, by name: "ok", or what is wrong in one line. Thread-safe, quick."""


class Rows(Protocol):
    """The answer of a query."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """Values, row by row."""


class Store(Protocol):
    """Reads ClickHouse; thread-safe.

    Raises `shared.errors.QueryLimitExceeded` and `shared.errors.StoreError`.
    """

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """Run a named query; values enter as bound parameters only."""


class Loading(Protocol):
    """How far the loader of this process has come."""

    def alive(self) -> bool:
        """Whether the loader runs."""

    def lag(self) -> Mapping[str, int]:
        """Records of each stream that stand in the log and are not yet loaded."""


class Redetections(Protocol):
    """Detects the past again under the rules in force, in the background."""

    def start(self, service: str | None) -> str:
        """Begin a run over one service, or all. Gives its name. Raises `shared.errors.RedetectionRefused`."""

    def state(self, run: str) -> Mapping[str, Any] | None:
        """How a run stands, JSON values only; `None` for a run that is not known."""


class SimulationRun(Protocol):
    """A simulation as it stands: `running`, `finished`, `failed` (and `why`) or `cancelled`; `done` of `total` steps.

    One person (of one service) in `one_in` was looked at, of `people`, who have `events`.
    """

    @property
    def name(self) -> str: ...
    @property
    def scenario(self) -> Scenario: ...
    @property
    def state(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def one_in(self) -> int: ...
    @property
    def people(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def computed_us(self) -> int: ...
    @property
    def result(self) -> Comparison | None: ...


class Simulations(Protocol):
    """Tries other rule settings on past events, in the background; nothing is written."""

    def start(self, scenario: Scenario, in_force: Mapping[str, Any]) -> str:
        """Begin a run; its name. Raises `shared.detection.what_if.SimulationRefused` while another runs."""

    def find(self, name: str) -> SimulationRun | None:
        """A run as it stands; `None` for one that is not known."""

    def running(self) -> SimulationRun | None:
        """The run under way."""

    def cancel(self, name: str) -> None:
        """End a run under way; nothing of it is kept."""


class AlertDesk(Protocol):
    """What people see of alerts and do with them; thread-safe. Every method raises `shared.errors.RegistryError`.

    What people do raises `RecordConflict` when the alert (or silence) has another version by now, and `RecordRefused` for what
    cannot be done. `by` says who does it.
    """

    @property
    def zone(self) -> tzinfo:
        """By whose clocks people read the times of alerts."""

    def changes(self) -> int:
        """A number that grows with every write about alerts: what is shown is up to date while it stays the same."""

    def looking(self) -> Looking:
        """When the engine last looked, and how far its data reached."""

    def open(self) -> Sequence[Sheet]:
        """Those that are not resolved, the latest first."""

    def resolved(self, since_us: int) -> Sequence[Sheet]:
        """Those resolved since then, the latest first, at most 1,000."""

    def get(self, alert: str) -> Sheet | None:
        """The alert with this id; `None` when there is none (any more)."""

    def history(self, alert: str) -> Sequence[Transition]:
        """What happened to it, from the first."""

    def acknowledge(self, alert: str, version: int, by: str, until_us: int | None, text: str) -> Sheet:
        """Take it on, until then; `None`: as long as the settings say."""

    def assign(self, alert: str, version: int, by: str, to: str) -> Sheet:
        """Give it to somebody; '': to nobody."""

    def comment(self, alert: str, version: int, by: str, text: str) -> Sheet:
        """Write something to it."""

    def resolve(self, alert: str, version: int, by: str, text: str) -> Sheet:
        """End it by hand."""

    def silences(self) -> Sequence[SilenceRecord]:
        """Those in force now or later, the first to begin first."""

    def preview(self, values: SilenceValues) -> Hidden:
        """What a silence would hide."""

    def silence(self, values: SilenceValues) -> SilenceRecord:
        """Set a silence, or announce a maintenance."""

    def end_silence(self, silence: str, version: int) -> None:
        """End it now; one that has not begun is removed."""

    def letters(self) -> Sequence[Letter]:
        """Messages that were given up, the latest first, at most 1,000."""

    def retry(self, letter: str) -> None:
        """Try one again. Raises `RecordConflict` when it is not given up (any more)."""

    def receivers(self) -> Sequence[Receiving]:
        """Who is told of alerts."""

    def backlogs(self) -> Sequence[Backlog]:
        """What waits for a receiver, by its name; receivers for which nothing waits are left out."""

    def send_test(self, receiver: str) -> None:
        """Send a message that is plainly a test. Raises `NotDelivered` with the reason."""

    def guide(self, cause: str, language: str) -> Guide | None:
        """What to do about a cause; `None` for one that is not known."""
