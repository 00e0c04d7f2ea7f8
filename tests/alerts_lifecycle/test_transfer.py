"""Alerts in a dump of the registry, and back into another one, on SQLite and on a real PostgreSQL."""

from pathlib import Path

import pytest
from msgspec import structs

from shared.errors import ConfigurationError
from shared.registry.alert_silences import SilenceValues
from shared.registry.alert_transfer import BROUGHT_IN
from shared.registry.registry import Registry
from tests.alerts_lifecycle.rows import T0, row, step, write


def dumped(registry: Registry, path: Path) -> dict[str, int]:
    """A registry with an open alert of which one message arrived and one waits, a resolved one and a silence, dumped."""
    one, other = row("a"), row("b", state="resolved", resolved_us=T0)
    registry.alerts.commit_round(write(0, one, other, receivers=("hook", "mail"), state=b"\xff"))
    registry.outbox.delivered(f"{one.id}-1-hook")
    registry.silences.add(SilenceValues(service="s", from_us=T0, until_us=T0 + 1, reason="r", author="a"))
    return {name: rows for name, rows in registry.write_records(path).items() if rows}


def test_a_dump_holds_alerts_with_all_that_happened(registry: Registry, tmp_path: Path) -> None:
    """In another registry they are the same; twice brought in, they are there once. What waited is for people to send."""
    path = tmp_path / "records.json"
    counts = {"silences": 1, "alerts": 2, "alert_transitions": 2, "outbox": 4}
    assert dumped(registry, path) == counts
    with Registry(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        other.upgrade()
        for _ in range(2):
            assert {name: rows for name, rows in other.read_records(path).items() if rows} == counts
        assert other.alerts.open() == registry.alerts.open()
        assert other.alerts.resolved(0) == registry.alerts.resolved(0)
        assert other.alerts.history("a" * 16) == registry.alerts.history("a" * 16)
        assert other.silences.ending_after(0) == registry.silences.ending_after(0)
        assert other.outbox.counts() == {"waiting": 0, "dead": 3}
        assert {each.last_error for each in other.outbox.dead_letters()} == {BROUGHT_IN}
        assert [each.message for each in other.outbox.of("a" * 16)] == [b"a" * 16 + b" 1"] * 2
        assert other.alerts.held(0).state == b""


def test_what_is_open_already_is_not_opened_twice(registry: Registry, tmp_path: Path) -> None:
    """An alert of a cause that is open stays out, with what happened to it; the others come in."""
    path = tmp_path / "records.json"
    dumped(registry, path)
    with Registry(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        other.upgrade()
        present = structs.replace(row("c"), key="a" * 16)
        other.alerts.commit_round(write(0, present))
        other.read_records(path)
        assert other.alerts.open() == [present]
        assert other.alerts.history("a" * 16) == []
        assert other.alerts.history("b" * 16) == [step(row("b"))]
        assert other.outbox.counts() == {"waiting": 1, "dead": 2}


def test_a_damaged_message_is_refused(registry: Registry, tmp_path: Path) -> None:
    """Bytes that are none, and nothing is brought in."""
    path = tmp_path / "records.json"
    dumped(registry, path)
    path.write_text(path.read_text().replace('"message":"', '"message":"?'))
    with Registry(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        other.upgrade()
        with pytest.raises(ConfigurationError, match="outbox"):
            other.read_records(path)
        assert other.alerts.open() == []
