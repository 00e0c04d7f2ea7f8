"""The rules that the log last published, remembered in the registry for every process of a cluster."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.detection.settings import RuleBook
from shared.errors import RegistryError
from shared.ingest.published_rules import PublishedRules, last_published
from shared.log.port import LogReader
from shared.registry.values import Values

VALUE: Final = "journey-events published rules"
_FRESH_S: Final = 1.0

_log = logging.getLogger(__name__)


class PublishedRulesInRegistry:
    """Remembers, as `shared.ingest.published_rules.PublishedRulesMemory`; used by the holder of the clock's lease."""

    def __init__(self, values: Values, reader: LogReader) -> None:
        self._values = values
        self._reader = reader

    def latest(self, log_id: str) -> PublishedRules | None:
        """What was last published in this log. Raises `LogError` or `RegistryError`."""
        remembered = read_published(self._values)
        if remembered is not None and remembered.log_id == log_id:
            return remembered
        return last_published(self._reader, log_id)

    def forget(self) -> None:
        """Before something is published. Raises `RegistryError`."""
        self._put({})

    def remember(self, published: PublishedRules) -> None:
        """After it is durable; without the registry the next one reads the log."""
        document = {"log_id": published.log_id, "version": published.version, "rules": published.rules}
        try:
            self._put(document)
        except RegistryError as error:
            _log.warning("the published rules are not remembered", extra={"reason": str(error)})

    def _put(self, document: Mapping[str, Any]) -> None:
        present = self._values.get(VALUE)
        if present is not None and present.document == document:
            return
        if not self._values.put(VALUE, document, present.version if present else 0):
            raise RegistryError("Another process publishes rules at the same time: two hold one lease")


def read_published(values: Values) -> PublishedRules | None:
    """What is remembered; `None` while nothing is, or while something is being published. Raises `RegistryError`."""
    value = values.get(VALUE)
    if value is None or not value.document:
        return None
    document = value.document
    return PublishedRules(str(document["log_id"]), int(document["version"]), dict(document["rules"]))


class RulesOfRegistry:
    """The rules in force for the pages: those remembered, at most a second old; the last known while it does not answer.

    Before anything is published, those of the site.
    """

    def __init__(
        self, values: Values, site: Mapping[str, Any], monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._values = values
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._book = RuleBook(site, 1)
        self._log_id = ""
        self._published = False
        self._read_s = float("-inf")

    def __call__(self) -> RuleBook:
        """The rule settings in force."""
        with self._lock:
            if self._monotonic_s() - self._read_s >= _FRESH_S:
                self._read()
                self._read_s = self._monotonic_s()
            return self._book

    @property
    def version(self) -> int | None:
        """The version in force; `None` while nothing was published."""
        book = self()
        return book.version if self._published else None

    def _read(self) -> None:
        try:
            latest = read_published(self._values)
        except RegistryError as error:
            _log.warning("the rules in force cannot be read; the last known hold", extra={"reason": str(error)})
            return
        if latest is not None and (latest.log_id, latest.version) != (self._log_id, self._book.version):
            self._book, self._log_id, self._published = RuleBook(latest.rules, latest.version), latest.log_id, True
