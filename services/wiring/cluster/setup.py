"""Once before a cluster starts, and after each update: topics, tables, keys. Safe to repeat, and to run by many at once."""

import logging
import threading
from contextlib import closing
from functools import partial

from services.wiring.cluster.parts import open_store, when_it_answers
from services.wiring.folder import DataFolder
from services.wiring.registry import open_registry
from shared.log.kafka.topics import create_topics, declared_topics
from shared.privacy.keys import load_or_make_keys
from shared.settings import Settings
from shared.store.database import ensure_database
from shared.store.migrate import migrate

_log = logging.getLogger(__name__)


def run_setup(settings: Settings, stop: threading.Event) -> None:
    """Do it, and end. Raises `ParcoursError` when a part refuses, or does not answer for a minute."""
    load_or_make_keys(DataFolder(settings.data).keys)
    for step in (make_topics, migrate_registry, migrate_store):
        when_it_answers(partial(step, settings), stop)


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
