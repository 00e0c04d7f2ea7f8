"""What designers write down, on SQLite and on a real PostgreSQL: kept, changed with a history, bounded, removed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from shared.errors import ConfigurationError, RecordConflict, RecordRefused
from shared.registry import openings, record
from shared.registry.annotations import AnnotationValues
from shared.registry.improvements import Evidence, ImprovementValues, Pilot
from shared.registry.notes import NoteValues
from shared.registry.openings import OpeningValues
from shared.registry.registry import Registry
from tests.registry.conftest import Open
from tests.registry.test_registry import execute

REFORM = AnnotationValues(first_day=date(2026, 3, 1), title="New form", kind="system", service="housing")
REPAIR = ImprovementValues(
    title="Call back within a day",
    what="Missed calls are called back.",
    services=["housing"],
    territories=["fr/idf"],
    offices=["Centre"],
    rule="unanswered_retry",
    owner="Telephone team",
    since=date(2026, 4, 1),
    status="pilot",
    cost_euros=12_000.5,
    cost_minutes=960,
    evidence=[Evidence(title="Study", address="https://example.org/study"), Evidence(title="Board", address="/rules")],
    comparison=["fr/bre"],
    pilots=[Pilot(territory="fr/idf/75", since=date(2026, 4, 1)), Pilot(office="Centre", since=date(2026, 5, 1))],
)


def test_what_is_written_is_read_again(open_registry: Open) -> None:
    """Every value comes back as it was, in another process too, with an id and version 1."""
    records = open_registry().records
    reform, repair = records.annotations.add(REFORM), records.improvements.add(REPAIR)
    other = open_registry().records
    assert other.annotations.get(reform.id) == reform
    assert other.improvements.all() == [repair]
    assert {name: getattr(repair, name) for name in REPAIR.__struct_fields__} == structs.asdict(REPAIR)
    assert (repair.version, repair.created_ms) == (1, repair.changed_ms)
    assert other.improvements.get("0" * 16) is other.improvements.get("nonsense\0") is None


def test_a_change_keeps_what_stood_before(registry: Registry) -> None:
    """Versions grow by one; the history holds what was changed and what was removed, with what it said."""
    annotations = registry.records.annotations
    first = annotations.add(REFORM)
    second = annotations.change(first.id, 1, structs.replace(REFORM, title="New form, again"))
    assert (second.version, second.title, second.created_ms) == (2, "New form, again", first.created_ms)
    annotations.remove(first.id, 2)
    assert annotations.all() == []
    told = [(each.version, each.ended, each.document["title"]) for each in annotations.history(first.id)]
    assert told == [(1, "changed", "New form"), (2, "removed", "New form, again")]


def test_who_comes_second_is_told(registry: Registry) -> None:
    """A change of a version that is not the present one is refused, and changes nothing."""
    improvements = registry.records.improvements
    found = improvements.add(REPAIR)
    improvements.change(found.id, 1, structs.replace(REPAIR, status="in_force"))
    for version in (1, 3, 0, -1, 10**30):
        with pytest.raises(RecordConflict):
            improvements.change(found.id, version, REPAIR)
        with pytest.raises(RecordConflict):
            improvements.remove(found.id, version)
    with pytest.raises(RecordConflict):
        improvements.remove("0" * 16, 1)
    assert [each.status for each in improvements.all()] == ["in_force"]


def test_of_many_that_change_at_once_one_does(open_registry: Open) -> None:
    """Eight threads change one version: one succeeds, the others are told; the history has one entry."""
    registries = [open_registry() for _ in range(2)]
    found = registries[0].records.annotations.add(REFORM)

    def change(number: int) -> bool:
        values = structs.replace(REFORM, title=f"by {number}")
        try:
            registries[number % 2].records.annotations.change(found.id, 1, values)
        except RecordConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(change, range(8))) == 1
    assert len(registries[0].records.annotations.history(found.id)) == 1


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", {"title": ""}),
        ("title", {"title": " "}),
        ("title", {"title": "x" * 201}),
        ("text", {"text": "a\0b"}),
        ("text", {"text": "x" * 4_001}),
        ("kind", {"kind": "party"}),
        ("first_day", {"first_day": date(1, 1, 1)}),
        ("last_day", {"last_day": date(2026, 2, 28)}),
        ("service", {"service": "x" * 257}),
        ("", {"title": "\ud800"}),
    ],
)
def test_values_that_cannot_be_kept_are_refused(registry: Registry, field: str, values: dict[str, Any]) -> None:
    """Each field has its bound; the refusal names it."""
    with pytest.raises(RecordRefused) as raised:
        registry.records.annotations.add(structs.replace(REFORM, **values))
    assert raised.value.field == field
    assert registry.records.annotations.all() == []


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("pilots", {"pilots": [Pilot(since=date(2026, 1, 1))]}),
        ("pilots", {"pilots": [Pilot(territory="a", office="b", since=date(2026, 1, 1))]}),
        ("pilots", {"pilots": [Pilot(territory="a", since=date(1, 1, 1))]}),
        ("evidence", {"evidence": [Evidence(title="x", address="javascript:alert(1)")]}),
        ("evidence", {"evidence": [Evidence(title="x", address="//example.org")]}),
        ("cost_euros", {"cost_euros": -1}),
        ("services", {"services": ["x"] * 201}),
        ("owner", {"owner": ""}),
    ],
)
def test_an_improvement_is_whole(registry: Registry, field: str, values: dict[str, Any]) -> None:
    """A pilot is of one place, a link leads to a web page or a page of this site, costs are not negative."""
    with pytest.raises(RecordRefused) as raised:
        registry.records.improvements.add(structs.replace(REPAIR, **values))
    assert raised.value.field == field


def test_annotations_are_found_by_period_service_and_territory(registry: Registry) -> None:
    """Those of a day in between, of the service or of all, of the territory, one above it or one below it."""
    annotations = registry.records.annotations

    def add(title: str, first: int, last: int | None = None, **where: str) -> None:
        ends = None if last is None else date(2026, 3, last)
        annotations.add(AnnotationValues(first_day=date(2026, 3, first), last_day=ends, title=title, **where))

    add("day", 10)
    add("before", 4)
    add("long", 1, 31)
    add("housing", 12, service="housing")
    add("paris", 13, territory="fr/idf/75")
    add("brittany", 14, territory="fr/bre")

    def titles(**where: str) -> list[str]:
        return [each.title for each in annotations.between(date(2026, 3, 5), date(2026, 3, 20), **where)]

    assert titles() == ["long", "day", "housing", "paris", "brittany"]
    assert titles(service="tax") == ["long", "day", "paris", "brittany"]
    assert titles(territory="fr/idf") == ["long", "day", "housing", "paris"]
    assert titles(territory="fr/idf/75/12") == ["long", "day", "housing", "paris"]
    assert titles(territory="fr/idf/750") == ["long", "day", "housing"]


def test_notes_stand_with_what_they_are_about(registry: Registry) -> None:
    """Oldest first, of this thing only; a removed note is gone for good."""
    notes = registry.records.notes
    first = notes.add(NoteValues(about="journey", about_id="j1", text="Called twice.", author="Counter"))
    second = notes.add(NoteValues(about="journey", about_id="j1", text="Solved.", author="Design team"))
    notes.add(NoteValues(about="journey", about_id="j2", text="Another.", author="Counter"))
    assert {each.id for each in notes.about("journey", "j1")} == {first.id, second.id}
    assert not notes.remove("journey", "j2", first.id)
    assert notes.remove("journey", "j1", first.id)
    assert notes.about("journey", "j1") == [second]
    for text, author in [("", "a"), (" \n", "a"), ("x", ""), ("x" * 4_001, "a")]:
        with pytest.raises(RecordRefused):
            notes.add(NoteValues(about="point", about_id="p", text=text, author=author))


def test_openings_are_recorded_and_forgotten_after_a_year(registry: Registry, url: str) -> None:
    """Newest first; a purpose in words where it is none of the list; who is not known; a year later they are gone."""
    found = registry.records.openings
    found.add(OpeningValues(kind="journey", opened="j1", form="page", purpose="citizen-request"))
    execute(url, f"UPDATE openings SET at_ms = at_ms - {openings.KEPT_DAYS * 86_400_000 + 1_000}")
    assert [(each.opened, each.who) for each in found.latest()] == [("j1", "unknown")]
    with pytest.raises(RecordRefused):
        found.add(OpeningValues(kind="point", opened="p1", form="api", purpose="other", text=" "))
    with pytest.raises(RecordRefused):
        found.add(OpeningValues(kind="point", opened="p1", form="api", purpose="curiosity"))  # type: ignore[arg-type]
    found.add(OpeningValues(kind="point", opened="p1", form="api", purpose="other", text="Audit"))
    assert [(each.opened, each.text) for each in found.latest()] == [("p1", "Audit")]


def test_there_are_only_so_many(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound nothing is added, and the refusal says what to do."""
    monkeypatch.setattr(record, "MAX_RECORDS", 2)
    for _ in range(2):
        registry.records.annotations.add(REFORM)
    with pytest.raises(RecordRefused, match="remove what is no longer needed"):
        registry.records.annotations.add(REFORM)


def test_records_go_into_another_registry(registry: Registry, tmp_path: Path) -> None:
    """Written into a file and read into an empty registry, all of them are the same; read again, nothing is doubled."""
    records = registry.records
    reform = records.annotations.add(REFORM)
    records.annotations.change(reform.id, 1, structs.replace(REFORM, last_day=date(2026, 3, 9)))
    records.improvements.add(REPAIR)
    records.notes.add(NoteValues(about="rule", about_id="rework", text="See the study.", author="Design team"))
    records.openings.add(OpeningValues(kind="point", opened="p1", form="page", purpose="check-rule"))
    counts = registry.write_records(tmp_path / "records.json")
    written = {"annotations": 1, "improvements": 1, "record_history": 1, "notes": 1, "openings": 1}
    assert {name: rows for name, rows in counts.items() if rows} == written
    assert (tmp_path / "records.json").stat().st_mode & 0o077 == 0
    with Registry(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        other.upgrade()
        for _ in range(2):
            assert other.read_records(tmp_path / "records.json") == counts
        assert other.records.annotations.all() == records.annotations.all()
        assert other.records.annotations.history(reform.id) == records.annotations.history(reform.id)
        assert other.records.improvements.all() == records.improvements.all()
        assert other.records.notes.about("rule", "rework") == records.notes.about("rule", "rework")
        assert other.records.openings.latest() == records.openings.latest()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"format": 9, "tables": {}}', b'{"format": 1, "tables": {"notes": [{}]}}']
)
def test_a_file_that_holds_no_records_is_refused(registry: Registry, tmp_path: Path, content: bytes) -> None:
    """By name, and nothing is brought in."""
    (tmp_path / "records.json").write_bytes(content)
    with pytest.raises(ConfigurationError):
        registry.read_records(tmp_path / "records.json")
    with pytest.raises(ConfigurationError):
        registry.read_records(tmp_path / "missing.json")
