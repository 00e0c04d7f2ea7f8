"""What several targets of a cluster open in the same way."""

import socket

from services.wiring.folder import DataFolder
from shared.errors import ConfigurationError
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store


def open_registry(settings: Settings) -> Registry:
    """The database that processes share; without the setting, a file in the data folder. Nothing is opened yet."""
    if settings.registry:
        return Registry(settings.registry)
    folder = DataFolder(settings.data)
    folder.create()
    return Registry(f"sqlite:///{(folder.root / 'registry.sqlite').resolve()}")


def open_store(settings: Settings) -> Store:
    """The ClickHouse server. Raises `ConfigurationError` without one: two processes of a cluster need it."""
    if not settings.clickhouse:
        raise ConfigurationError(
            "PARCOURS_BROKERS is set, PARCOURS_CLICKHOUSE is not: a cluster needs a ClickHouse server, "
            "like http://user:password@host:8123/database"
        )
    return Store(settings.clickhouse, settings.clickhouse_memory_mb, settings.query_limit_s)


def instance_name(settings: Settings) -> str:
    """The name of this process among its kind."""
    return settings.instance or socket.gethostname()
