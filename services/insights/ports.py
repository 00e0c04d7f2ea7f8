"""What insights needs from the process that hosts it: small protocols, given by the composition root."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from shared.detection.settings import RuleBook
from shared.detection.what_if import Comparison, Scenario
from shared.registry import records

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
