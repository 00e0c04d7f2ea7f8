"""Damaged files of ClickHouse: said by table and part, never taken for a fault of the rows, and never silently missing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from sys import executable
from textwrap import dedent

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from shared.store.damage import damaged_part

ROOT = Path(__file__).resolve().parents[2]
PRELUDE = """
import sys
from pathlib import Path
from services.loader.insert import insert_batch
from services.loader.targets import TARGETS
from services.wiring import doctor
from shared.errors import StoreDamaged
from shared.journey.codec import encode
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.migrate import migrate
from tests.loader.samples import event
folder = Path(sys.argv[1])
store = Store(f"chdb://{folder}", 1024, 20)
events = [encode([event(number)]) for number in range(50)]
"""

Do = Callable[[str], list[str]]


@pytest.fixture
def do(tmp_path: Path) -> Do:
    """Runs a script over one folder in a process of its own (chDB opens one folder a process); gives what it printed."""

    def in_process(script: str) -> list[str]:
        code = dedent(PRELUDE) + dedent(script) + "\nstore.close()\n"
        done = run(
            [executable, "-c", code, str(tmp_path / "clickhouse")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    in_process("migrate(store)\ninsert_batch(store.writer(), TARGETS[Kind.EVENTS], events, 50)")
    return in_process


def part_of_events(folder: Path) -> Path:
    """The one part of the table `events`."""
    (part,) = (folder / "clickhouse/data/default/events").resolve().glob("2*_*_*")
    return part


def overwrite(path: Path) -> None:
    """Other bytes of the same number."""
    path.write_bytes(os.urandom(path.stat().st_size))


def test_a_damaged_part_is_named_and_no_row_is_blamed(do: Do, tmp_path: Path) -> None:
    """Reading says table and part in one line; inserting fails the same way and refuses no row."""
    part = part_of_events(tmp_path)
    overwrite(part / "data.bin")
    said = do(
        """
        for attempt in (lambda: store.query("SELECT * FROM events"),
                        lambda: insert_batch(store.writer(), TARGETS[Kind.EVENTS], events, 50)):
            try:
                print(attempt())
            except StoreDamaged as error:
                print(error)
        print(bool(store.damage))
        for part in doctor.examine_store(store, doctor.Settings(data=folder)):
            print(part.status, part.name)
        """
    )
    reading, inserting, known, *parts = said
    for line in (reading, inserting):
        assert line.startswith(f"ClickHouse's table events is damaged: its part {part} cannot be read; restore ")
    assert known == "True"
    assert parts[-1] == "error recount"


def test_a_part_that_was_set_aside_is_an_error_of_the_doctor(do: Do, tmp_path: Path) -> None:
    """ClickHouse goes on without a part of which a file is gone; the doctor says how many parts of which table."""
    (part_of_events(tmp_path) / "data.bin").unlink()
    count, status, message, advice = do(
        """
        print(store.query("SELECT count() FROM events").rows[0][0])
        part = doctor.damaged_tables(store)
        print(part.status, part.message, part.advice, sep="\\n")
        """
    )
    assert (count, status) == ("0", "error")
    assert message.endswith("their rows are missing: 1 of table events")
    assert "detached/broken-on-start" in advice
    for aside in (tmp_path / "clickhouse").rglob("broken-on-start*"):
        aside.rename(tmp_path / aside.name)
    assert do("print(doctor.damaged_tables(store).status)") == ["ok"]


@pytest.mark.parametrize("lost", ["checksums.txt", "."])
def test_damaged_sums_are_made_again_at_the_next_start(do: Do, tmp_path: Path, lost: str) -> None:
    """Sums of which ClickHouse finds the files empty or gone are as they were; before, they would be taken for nothing."""
    sums = part_of_events(tmp_path) / "hourly_events.proj"
    if lost == ".":
        shutil.rmtree(sums)
    else:
        (sums / lost).write_bytes(b"")
    counted = """
        from shared.store.stored_sums import from_sums
        print(store.query(from_sums("SELECT count() FROM events", "events", "hourly_events")).rows[0][0])
        """
    assert do(counted) == ["0"]
    assert do("\n        migrate(store)" + counted) == ["50"]
    assert do(counted) == ["50"]


def test_only_what_cannot_be_read_back_is_damage() -> None:
    """Other errors may name a part too, and errors of damage a file that is none of ours."""
    part = "/d/clickhouse/store/85d/85de4a82-f8bd-484d-ae78-7c208beb1a8e/2026_1_1_0"
    table = "in table default.points (85de4a82-f8bd-484d-ae78-7c208beb1a8e) located on disk"

    def damage(code: int, text: str) -> str | None:
        error = DatabaseError(text)
        error.code = code
        found = damaged_part(error)
        return None if found is None else str(found)

    assert str(damage(40, f"While reading {part}/data.bin: {table}")).startswith("ClickHouse's table points is damaged")
    assert str(damage(40, f"While reading {part}/data.bin")).startswith(
        f"A table of ClickHouse is damaged: its part {part}"
    )
    assert damage(243, f"No space left: {part}/data.bin {table}") is None
    assert damage(33, "Cannot read all data: row 1") is None
