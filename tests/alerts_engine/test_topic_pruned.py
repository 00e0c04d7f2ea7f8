"""The topic `alerts` of one machine lets go of old messages while the platform runs, as the other logs do."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.wiring.alerts import Alerting
from services.wiring.analytics import open_store
from services.wiring.folder import DataFolder
from services.wiring.pruning import Pruning
from services.wiring.registry import open_registry
from shared.clock import now_ms
from shared.journey.instants import DAY_US
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import ALERTS, Kind, Record
from shared.settings import Settings

DAY_MS = DAY_US // 1_000
ALERT_FILE = """
[notification]
otherwise = ["banner"]
[notification.receiver.banner]
kind = "topic"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a site whose banner takes the topic; messages are kept for three days."""
    file = tmp_path / "alerts.toml"
    file.write_text(ALERT_FILE, encoding="utf-8")
    return Settings(data=tmp_path / "data", alerts=file, log_retention_days=3)


@pytest.fixture
def folder(settings: Settings) -> DataFolder:
    """The data folder."""
    made = DataFolder(settings.data)
    made.create()
    return made


@contextmanager
def alerting(settings: Settings, folder: DataFolder, pruning: Pruning) -> Iterator[None]:
    """Alerts as analytics opens them, not started."""
    stop = threading.Event()
    with closing(open_store(settings, folder)) as store, open_registry(settings) as registry:
        registry.upgrade()
        made = Alerting(settings, folder, store, registry, pruning, stop)
        stop.set()
        made.start()
        yield
        made.finish()


def write(folder: DataFolder, days_ago: int, messages: int) -> None:
    """Messages of that day, as they were told then."""
    with closing(LocalLogWriter(folder.stream(ALERTS), ALERTS, clock_ms=lambda: now_ms() - days_ago * DAY_MS)) as log:
        log.append([Record(0, Kind.EVENTS, b"[{}]", 1) for _ in range(messages)])


def kept(folder: DataFolder) -> list[int]:
    """Offsets of the messages that stand in the topic."""
    with closing(LocalLogReader(folder.stream(ALERTS), ALERTS)) as reader:
        return [record.offset for record in reader.read({}, 10_000_000)]


def test_old_messages_go_in_the_same_rounds_as_other_logs(settings: Settings, folder: DataFolder) -> None:
    """Nobody says how far they have read, so age alone counts: by the setting of the other logs, and again each time."""
    write(folder, days_ago=4, messages=1_200)
    write(folder, days_ago=2, messages=2)
    days = [0]
    pruning = Pruning(folder.positions, lambda: now_ms() + days[0] * DAY_MS, threading.Event())
    with alerting(settings, folder, pruning):
        assert len(kept(folder)) == 1_202  # opening prunes nothing: a start is not held up by it
        assert pruning.prune_once() == 1_200
        assert kept(folder) == [1_201, 1_202]
        assert pruning.prune_once() == 0
        days[0] = 2
        assert pruning.prune_once() == 2
    assert kept(folder) == []
    write(folder, days_ago=0, messages=1)
    assert kept(folder) == [1_203]  # offsets go on, so that a reader's place stays good


def test_without_a_receiver_there_is_no_topic_to_prune(settings: Settings, folder: DataFolder, tmp_path: Path) -> None:
    """A site that takes no messages from the topic has no file of it."""
    (tmp_path / "alerts.toml").write_text("", encoding="utf-8")
    pruning = Pruning(folder.positions, now_ms, threading.Event())
    with alerting(settings, folder, pruning):
        assert pruning.prune_once() == 0
    assert not folder.stream(ALERTS).exists()
