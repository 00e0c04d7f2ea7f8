"""When ClickHouse, the log or the registry is away: tried again, said loudly, and given up by name after a while."""

import pytest

from services.alerts.engine import GIVE_UP_AFTER_S, Engine
from services.alerts.engine_status import SILENT_S
from shared.errors import RecordConflict, RegistryError, StoreDamaged, StoreError
from shared.journey.instants import SECOND_US
from shared.store.client import Store
from tests.alerts_engine.site import MINUTE_US, Site


class Unwell:
    """The store of a site, which can be made to fail."""

    def __init__(self, store: Store, error: Exception | None = None) -> None:
        self._store = store
        self.error = error

    def query(self, *arguments: object) -> object:
        if self.error is not None:
            raise self.error
        return self._store.query(*arguments)  # type: ignore[arg-type]


class Waiting:
    """Ends a loop after some turns; each wait takes ten seconds of the site's clock that cannot be set."""

    def __init__(self, site: Site, turns: int) -> None:
        self._site = site
        self._turns = turns

    def is_set(self) -> bool:
        self._turns -= 1
        return self._turns < 0

    def wait(self, timeout: float) -> bool:
        assert timeout <= 5
        self._site.monotonic_us += 10 * SECOND_US
        self._site.now_us += 10 * SECOND_US
        return False


def unwell(site: Site, error: Exception | None) -> tuple[Engine, Unwell]:
    """An engine whose ClickHouse fails."""
    store = Unwell(site.store, error)
    return site.engine_on(store), store  # type: ignore[arg-type]


def test_it_gives_up_by_name_after_two_minutes(site: Site) -> None:
    """What failed is raised then; before, readiness says so."""
    engine, _ = unwell(site, StoreError("ClickHouse is away"))
    engine.run(Waiting(site, 3))
    assert "ClickHouse is away" in engine.status().trouble()
    with pytest.raises(StoreError, match="away"):
        engine.run(Waiting(site, 100))
    assert engine.status().failing_s >= GIVE_UP_AFTER_S


def test_damaged_tables_are_waited_for(site: Site) -> None:
    """Starting again does not help, and pages that need others still answer."""
    engine, _ = unwell(site, StoreDamaged("a part is gone"))
    engine.run(Waiting(site, 50))
    assert "a part is gone" in engine.status().trouble()


def test_it_goes_on_when_the_failure_is_over(site: Site) -> None:
    """And finds what happened meanwhile."""
    engine, store = unwell(site, StoreError("ClickHouse is away"))
    engine.run(Waiting(site, 3))
    site.broken(20)
    store.error = None
    engine.run(Waiting(site, 3))
    assert engine.status().trouble() == ""
    assert len(site.open()) == 1


def test_a_registry_that_fails_in_a_round_forgets_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The round is judged again, also when nothing new comes; one message."""
    site.turn()
    site.broken(20)
    commit = site.keeping.pass_round
    failures = [RegistryError("the database is locked"), RecordConflict("Another process judges alerts now")]

    def failing(*arguments: object) -> object:
        if failures:
            raise failures.pop()
        return commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(site.keeping, "pass_round", failing)
    site.monotonic_us += MINUTE_US
    site.engine.run(Waiting(site, 4))
    assert failures == []
    assert len(site.open()) == 1
    assert site.steps() == ["fired"]


def test_an_engine_without_rounds_says_that_nobody_looks(site: Site) -> None:
    """No detector has ever said how far it is: nothing can be judged, and that is said after three minutes."""
    for writer in site.logs.writers.values():
        assert writer.log_id()
    site.engine.step()
    assert site.engine.status().rounds == 0
    assert site.engine.status().trouble() == ""
    site.monotonic_us += round(SILENT_S + 1) * SECOND_US
    site.engine.step()
    assert "No round of alerts has been judged" in site.engine.status().trouble()


def test_what_is_not_watched_is_said(site: Site) -> None:
    """More series than the site wants watched."""
    site.turn()
    status = site.engine.status()
    assert status.gaps() == ""
    assert "3 series are not watched" in type(status)(left_out=3).gaps()
    assert "7 points were not counted" in type(status)(refused=7).gaps()
