"""What insights needs from the process that hosts it: small protocols, given by the composition root."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from shared.detection.settings import RuleBook

Clock = Callable[[], int]
"""Microseconds since 1970 UTC."""

RulesInForce = Callable[[], RuleBook]
"""The rule settings in force now."""

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
