"""The settings of a site: environment variables, read once, by the composition root.

Every variable is documented in docs/settings.md; a test says so.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from shared.errors import ConfigurationError


class Settings(Struct, frozen=True, kw_only=True):
    """What a site may set. Names are those of the variables, lower-cased, without the prefix `PARCOURS_`."""

    data: Path = Path("var/parcours")
    """Everything Parcours writes is below this folder."""
    host: str = "127.0.0.1"
    """The address both ports are bound to."""
    port: int = 8080
    """For people: pages and API."""
    ingest_port: int = 8081
    """For channel systems: the gateways."""
    demo: bool = True
    """Load the Kansas City data on the first start."""
    rules: Path | None = None
    """The TOML file of rule settings; without it the defaults of the definitions."""
    alerts: Path | None = None
    """The TOML file of alert settings; without it their defaults."""
    min_free_mb: int = 256
    """Below this free space gateways answer 503."""
    partitions: int = 1
    """Partitions of a new log; a log keeps the number it was made with."""
    linger_ms: int = 2
    """How long a gateway waits for company before it commits."""
    max_pending_mb: int = 32
    """Bound on what waits for the log in one gateway process; beyond it 503."""
    log_retention_days: int = 7
    """Records that every consumer has passed are kept this long."""
    rejected_retention_days: int = 14
    """Refused events are kept this long."""
    phone_region: str = "FR"
    """The country (ISO 3166) of telephone numbers written without `+`."""
    checkpoint_ms: int = 1_000
    """The longest time between two checkpoints of the detector under load."""
    checkpoint_quiet_ms: int = 200
    """The same when it is quiet."""
    hot_journeys: int = 20_000
    """Journeys the detector keeps unpacked."""
    young_journeys: int = 1_000_000
    """Journeys the detector keeps in memory, packed."""
    clickhouse_memory_mb: int = 2_048
    """Bound on ClickHouse's memory."""
    query_limit_s: int = 30
    """Bound on one query's time."""
    small_cell_min: int = 10
    """Counts of citizens below this are not shown on pages."""
    contact_cost_cents: int = 0
    """What one contact costs the administration, in euro cents; 0: not known, so no costs in euros are shown."""
    hour_cost_cents: int = 0
    """What one hour of the administration's working time costs, in euro cents; 0: not known."""
    brokers: str = ""
    """Kafka's addresses (`host:port,…`); without them all runs on one machine."""
    replication: int = 1
    """Copies of each partition of a new topic."""
    clickhouse: str = ""
    """A ClickHouse server (`http://user:password@host:8123/database`); without it, ClickHouse inside the process."""
    registry: str = ""
    """The database that processes share (`postgresql+psycopg://…`); without it, SQLite in the data folder."""
    ingest_url: str = ""
    """Where insights reaches the gateway `casework`; without it, `ingest_port` on this machine."""
    ingest_key: str = ""
    """The bearer key that publishers show; needed when `host` is not loopback."""
    otlp_endpoint: str = ""
    """The base URL of an OpenTelemetry collector (OTLP over HTTP); without it nothing is exported."""
    instance: str = ""
    """The name of this process among its kind; without it the host's name."""
    group_session_ms: int = 10_000
    """A worker that is silent for so long loses its partitions."""


_PREFIX = "PARCOURS_"
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment gives.

    Raises `ConfigurationError` for an unknown variable with the prefix, or a value of the wrong kind.
    """
    known = {_PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    values: dict[str, object] = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(_PREFIX):
            continue
        if variable not in known:
            raise ConfigurationError(f"{variable} is not a setting of Parcours; docs/settings.md lists them")
        if text != "":
            values[known[variable]] = _parse(variable, known[variable], text)
    return Settings(**values)  # type: ignore[arg-type]  # each value was parsed for its field


def _parse(variable: str, name: str, text: str) -> object:
    default = getattr(Settings(), name)
    if isinstance(default, bool):
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ConfigurationError(f"{variable}={text}: expected 0 or 1")
    if isinstance(default, int):
        if text.isascii() and text.isdigit() and int(text) <= 2**31:
            return int(text)
        raise ConfigurationError(f"{variable}={text}: expected a whole number")
    return text if isinstance(default, str) else Path(text)
