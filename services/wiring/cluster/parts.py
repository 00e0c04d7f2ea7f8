"""What several targets of a cluster open in the same way."""

import logging
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final, TypeVar

from shared.errors import ConfigurationError, LogUnavailable, RegistryError, StoreError
from shared.settings import Settings
from shared.store.client import Store

WAIT_S: Final = 60.0
"""So long servers may take to come up."""
_RETRY_S: Final = 1.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


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


def when_it_answers(step: Callable[[], T], stop: threading.Event) -> T:
    """What the step gives. A server that is only starting is waited for; what it refuses in the end is raised."""
    deadline_s = monotonic() + WAIT_S
    while True:
        try:
            return step()
        except (LogUnavailable, RegistryError, StoreError) as error:
            if monotonic() > deadline_s or stop.is_set():
                raise
            _log.info("waiting for a server", extra={"reason": str(error)})
            stop.wait(_RETRY_S)
