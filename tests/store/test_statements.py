"""SQL files are split where statements end, and nowhere else."""

import re

import pytest

from shared.store.migrate import read_migrations
from shared.store.statements import split_statements


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (" ;;\n ; ", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT 'it''s; \\'; --'", ["SELECT ';'", "SELECT 'it''s; \\'; --'"]),
        ('SELECT "a;b", `c;d`', ['SELECT "a;b", `c;d`']),
        ("-- a; comment's\nSELECT 1 -- more;\n; /* ; ' */ SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 4 - 2 / 1; SELECT 2--1", ["SELECT 4 - 2 / 1", "SELECT 2"]),
    ],
)
def test_split(sql: str, statements: list[str]) -> None:
    """Semicolons in strings, quoted names and comments end nothing; comments go."""
    assert split_statements(sql) == statements


def test_every_shipped_statement_can_be_repeated() -> None:
    """A file cut short by a crash runs again from its start: each statement asks what exists, or replaces it.

    What is computed again or set again comes out the same, as does a column that is written as it is, and of notes on what is
    assembled the latest holds.
    """
    for migration in read_migrations():
        dropped: set[str] = set()
        for statement in migration.statements:
            words = statement.split()
            asks = re.search(r"IF (NOT )?EXISTS|OR REPLACE|^ALTER TABLE \w+ UPDATE (\w+) = \2 WHERE 1\b", statement)
            same = words[3] in {"APPLY", "MATERIALIZE", "MODIFY"} or words[:3] == [
                "INSERT",
                "INTO",
                "assembled_journeys",
            ]
            assert asks or same or (words[:2] == ["CREATE", "TABLE"] and words[2] in dropped), migration.name
            if words[:2] == ["DROP", "TABLE"]:
                dropped.add(words[-1])
