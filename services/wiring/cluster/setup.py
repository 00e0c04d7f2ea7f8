"""Once before a cluster starts, and after each update: topics, tables, keys. Safe to repeat, and to run by many at once."""

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Final

from services.wiring.cluster.parts import open_registry, open_store
from services.wiring.folder import DataFolder
from shared.errors import LogUnavailable, RegistryError, StoreError
from shared.log.kafka.topics import create_topics, declared_topics
from shared.privacy.keys import load_or_make_keys
from shared.settings import Settings
from shared.store.database import ensure_database
from shared.store.migrate import migrate

WAIT_S: Final = 60.0
"""So long servers may take to come up."""
_RETRY_S: Final = 1.0

_log = logging.getLogger(__name__)


def run_setup(settings: Settings, stop: threading.Event) -> None:
    """Do it, and end. Raises `ParcoursError` when a part refuses, or does not answer for a minute."""
    load_or_make_keys(DataFolder(settings.data).keys)
    for step in (make_topics, migrate_registry, migrate_store):
        _when_it_answers(partial(step, settings), stop)


def make_topics(settings: Settings) -> None:
    """Make the topics that are missing. Raises `LogUnavailable`, `ConfigurationError`."""
    topics = declared_topics(
        settings.partitions, settings.replication, settings.log_retention_days, settings.rejected_retention_days
    )
    made = create_topics(settings.brokers, topics, settings.replication)
    _log.info("topics are there", extra={"made": made})


def migrate_registry(settings: Settings) -> None:
    """Bring the registry's tables to this version. Raises `RegistryError`."""
    with open_registry(settings) as registry:
        registry.upgrade()
    _log.info("the registry's tables are there")


def migrate_store(settings: Settings) -> None:
    """Make the database and bring its tables to this version. Raises `StoreError`."""
    with closing(open_store(settings)) as store:
        ensure_database(settings.clickhouse)
        applied = migrate(store)
    _log.info("ClickHouse's tables are there", extra={"applied": [each.name for each in applied]})


def _when_it_answers(step: Callable[[], None], stop: threading.Event) -> None:
    """A server that is only starting is waited for; what it refuses in the end is raised."""
    left_s = WAIT_S
    while True:
        try:
            step()
        except (LogUnavailable, RegistryError, StoreError) as error:
            if left_s <= 0 or stop.is_set():
                raise
            _log.info("waiting for a server", extra={"reason": str(error)})
            stop.wait(_RETRY_S)
            left_s -= _RETRY_S
        else:
            return
