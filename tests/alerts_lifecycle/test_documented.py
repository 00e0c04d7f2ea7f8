"""docs/alerts/lifecycle.md says what the code does, and the core of it is pure."""

import ast

import pytest

from services.alerts.causes import KINDS, OTHER_CHANNEL, RULES, SAME_CHANNEL
from services.alerts.notification.settings import PEOPLE_STEPS
from services.alerts.policy import Policy
from services.alerts.steps import EDGES, TOLD
from shared.detection.register import DECLARATIONS
from tests.docs.pages import ROOT, in_code, table_rows

PAGE = "docs/alerts/lifecycle.md"
PURE = (
    "services.alerts.actions",
    "services.alerts.causes",
    "services.alerts.extent",
    "services.alerts.grouping",
    "services.alerts.inhibition",
    "services.alerts.lifecycle",
    "services.alerts.places",
    "services.alerts.policy",
    "services.alerts.rollup",
    "services.alerts.silences",
    "services.alerts.steps",
    "shared.alerts.alert",
    "shared.alerts.finding",
)


def test_every_kind_is_documented() -> None:
    """The kinds in their order, with their rules; and every rule has a kind."""
    rows = {in_code(row[0])[0]: in_code(row[1]) for row in table_rows(PAGE, "kind")}
    assert tuple(rows) == KINDS
    assert all([name for name in rows[kind] if name in DECLARATIONS] == list(rules) for kind, rules in RULES.items())
    assert {rule for rules in RULES.values() for rule in rules} == set(DECLARATIONS)


def test_what_may_follow_is_documented() -> None:
    """The table of causes is that of the code."""
    rows = {in_code(row[0])[0]: (set(in_code(row[1])), set(in_code(row[2]))) for row in table_rows(PAGE, "cause")}
    told = {
        kind: (set(SAME_CHANNEL.get(kind, ())), set(OTHER_CHANNEL.get(kind, ())))
        for kind in SAME_CHANNEL.keys() | OTHER_CHANNEL.keys()
    }
    assert rows == told


def test_every_step_is_documented() -> None:
    """From where, to where, and whether it is told."""
    for row in table_rows(PAGE, "step"):
        step = in_code(row[0])[0]
        allowed, leads_to = EDGES[step]  # type: ignore[index]
        assert row[1] == (", ".join(allowed) or "–")
        assert row[2] == (leads_to or "the same")
        assert row[4] == ("yes" if step in TOLD else "on request")
    assert [in_code(row[0])[0] for row in table_rows(PAGE, "step")] == list(EDGES)


def test_what_is_told_to_people_is_what_reminders_count() -> None:
    """The default of receivers that are people, and the steps after which the interval begins anew, are the same."""
    assert TOLD == PEOPLE_STEPS


def test_every_wait_is_documented() -> None:
    """Each parameter with its default; the delays of rules are told in words."""
    rows = {in_code(row[0])[0]: row[1] for row in table_rows(PAGE, "parameter")}
    names = [name for name in Policy.__struct_fields__ if name != "delays_s"]
    assert rows == {name: str(getattr(Policy(), name)) for name in names}


@pytest.mark.parametrize("name", PURE)
def test_the_core_is_pure(name: str) -> None:
    """It imports itself, errors, msgspec and parts of the standard library that read no clock and do no I/O."""
    allowed = {"collections", "hashlib", "itertools", "math", "msgspec", "typing"}
    tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    own = {*PURE, "shared.errors"}
    assert {module for module in imported if module.partition(".")[0] not in allowed} <= own
