"""The rule settings of this site: of its file, and in force as the log says."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.detection.rule_file import parse_rules
from shared.detection.settings import DEFAULTS, RuleBook
from shared.errors import ConfigurationError
from shared.ingest.published_rules import PublishedRulesMemory
from shared.log.port import LogReader


def site_rules(path: Path | None) -> dict[str, Any]:
    """The resolved document of a rule file, or the defaults. Raises `ConfigurationError`, naming the file."""
    if path is None:
        return DEFAULTS
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"PARCOURS_RULES={path}: the rule file cannot be read: {reason}") from error
    return parse_rules(text, str(path))


class RulesInForce:
    """The rules that the log last published; before it has published any, those of the site."""

    def __init__(self, published: PublishedRulesMemory, reader: LogReader, site: Mapping[str, Any]) -> None:
        self._published = published
        self._reader = reader
        self._book = RuleBook(site, 1)
        self._log_id: str | None = None
        self._lock = threading.Lock()

    def __call__(self) -> RuleBook:
        """The rule settings in force now. Raises `LogError` when the log cannot be read."""
        log_id = self._reader.log_id()
        if log_id is None:
            return self._book
        with self._lock:
            latest = self._published.latest(log_id)
            if latest is not None and (log_id, latest.version) != (self._log_id, self._book.version):
                self._book, self._log_id = RuleBook(latest.rules, latest.version), log_id
            return self._book
