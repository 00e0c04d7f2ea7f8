"""The rules that the log last published, in the registry: for the one who publishes, and for the pages."""

from pathlib import Path

import pytest

from services.wiring.cluster.published_rules import (
    VALUE,
    PublishedRulesInRegistry,
    RulesOfRegistry,
    read_published,
)
from shared.detection.settings import DEFAULTS
from shared.errors import RegistryError
from shared.ingest.published_rules import PublishedRules
from shared.journey.codec import encode
from shared.journey.control import RulesPublished
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Kind, Record
from shared.registry.registry import Registry
from shared.registry.values import Values

STREAM = "journey-events.ingest"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with tables."""
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    registry.upgrade()
    return registry


def test_what_is_remembered_needs_no_log(registry: Registry, tmp_path: Path) -> None:
    """Remembered for its own log; of another log, or while something is being published, the log itself is read."""
    writer = LocalLogWriter(tmp_path / "log.sqlite", STREAM)
    writer.append([Record(0, Kind.CONTROL, encode([RulesPublished(3, {"from": "the log"})]), 1)])
    reader = LocalLogReader(tmp_path / "log.sqlite", STREAM)
    log_id = writer.log_id()
    rules = PublishedRulesInRegistry(registry.values, reader)
    rules.remember(PublishedRules(log_id, 4, {"from": "memory"}))
    rules.remember(PublishedRules(log_id, 4, {"from": "memory"}))
    assert rules.latest(log_id) == PublishedRules(log_id, 4, {"from": "memory"})
    rules.forget()
    assert read_published(registry.values) is None
    assert rules.latest(log_id) == PublishedRules(log_id, 3, {"from": "the log"})
    rules.remember(PublishedRules("another", 9, {}))
    assert rules.latest(log_id) == PublishedRules(log_id, 3, {"from": "the log"})
    reader.close()
    writer.close()
    registry.close()


def test_two_that_publish_are_noticed(registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When another wrote between reading and writing, the one who is late is refused by name."""
    rules = PublishedRulesInRegistry(registry.values, LocalLogReader(tmp_path / "log.sqlite", STREAM))
    read = Values.get

    def read_then_other(values: Values, name: str) -> object:
        found = read(values, name)
        monkeypatch.setattr(Values, "get", read)
        assert values.put(VALUE, {"by": "the other"}, 0)
        return found

    monkeypatch.setattr(Values, "get", read_then_other)
    with pytest.raises(RegistryError, match="two hold one lease"):
        rules.forget()
    registry.close()


def test_pages_show_the_rules_in_force(registry: Registry, tmp_path: Path) -> None:
    """First those of the site, then what is published, at most a second later; the last known while nothing answers."""
    now_s = [0.0]
    in_force = RulesOfRegistry(registry.values, DEFAULTS, lambda: now_s[0])
    assert (in_force().version, in_force.version) == (1, None)
    rules = PublishedRulesInRegistry(registry.values, LocalLogReader(tmp_path / "log.sqlite", STREAM))
    rules.remember(PublishedRules("log", 2, dict(DEFAULTS)))
    now_s[0] += 1.1
    assert (in_force().version, in_force.version) == (2, 2)
    rules.forget()
    now_s[0] += 1.1
    assert in_force.version == 2
    registry.close()
    (tmp_path / "registry.sqlite").unlink()
    (tmp_path / "registry.sqlite").mkdir()
    now_s[0] += 1.1
    assert in_force.version == 2
