"""What processes share besides the log and ClickHouse: leases, heartbeats, small values, what people write down, alerts."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.registry.alert_silences import Silences
from shared.registry.alerts import Alerts
from shared.registry.engine import make_engine
from shared.registry.heartbeats import Heartbeats
from shared.registry.leases import Leases
from shared.registry.outbox import OutboxRows
from shared.registry.records import Records
from shared.registry.transfer import read_records, write_records
from shared.registry.upgrade import current_revision, upgrade
from shared.registry.values import Values


class Registry:
    """One registry: `sqlite:///path`, or `postgresql+psycopg://user:password@host/database`.

    Nothing is opened before the first use; at most four connections are open. Every wait is bounded by 5 s (by 12 s where the
    database hangs without a word), then comes `RegistryError`. A database that was restarted is connected to again. Raises
    `ConfigurationError` for another URL.
    """

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        self.leases = Leases(self._engine)
        self.heartbeats = Heartbeats(self._engine)
        self.values = Values(self._engine)
        self.records = Records(self._engine)
        self.alerts = Alerts(self._engine)
        self.silences = Silences(self._engine)
        self.outbox = OutboxRows(self._engine)

    def upgrade(self) -> None:
        """Make or change the tables as this program needs them; safe to call by many at once. Raises `RegistryError`."""
        upgrade(self._engine)

    def write_records(self, path: Path) -> Mapping[str, int]:
        """Write all records into a new file; rows by table. Raises `RegistryError`."""
        return write_records(self._engine, path)

    def read_records(self, path: Path) -> Mapping[str, int]:
        """Bring the records of such a file in; rows by table. Raises `ConfigurationError`, `RegistryError`."""
        return read_records(self._engine, path)

    def revision(self) -> str:
        """The revision of its tables; `latest_revision()` is that which this program needs. Raises `RegistryError`."""
        return current_revision(self._engine)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
