"""What people do with an alert, and what is refused."""

from collections.abc import Callable

import pytest

from services.alerts.actions import acknowledge, assign, comment, resolve
from services.alerts.policy import Policy
from services.alerts.steps import Taken
from shared.alerts.alert import Alert
from shared.errors import RecordRefused
from tests.alerts_lifecycle.build import DAY, HOUR, T0, Life, series

POLICY = Policy()


@pytest.fixture
def alert() -> Alert:
    """One that fires."""
    life = Life()
    life.round(series())
    return life.only


def test_an_alert_is_taken_on_until_a_time(alert: Alert) -> None:
    """Four hours unless said otherwise; another can take it over; who, when and until are in the history."""
    first = acknowledge(alert, "Web team", T0, POLICY, text="On it")
    assert (first.alert.state, first.alert.acknowledged_by) == ("acknowledged", "Web team")
    assert first.alert.acknowledged_until_us == first.transition.until_us == T0 + 4 * HOUR
    assert (first.transition.by, first.transition.text, first.transition.number) == ("Web team", "On it", 2)
    second = acknowledge(first.alert, "Night shift", T0 + HOUR, POLICY, T0 + 9 * HOUR)
    assert (second.alert.acknowledged_by, second.alert.version) == ("Night shift", 3)
    assert second.told
    assert second.alert.told_us == alert.told_us


def test_an_alert_is_given_to_somebody(alert: Alert) -> None:
    """And to nobody again."""
    given = assign(alert, "Lead", "Web team", T0).alert
    assert given.assigned_to == "Web team"
    assert assign(given, "Lead", "", T0).alert.assigned_to == ""


def test_a_comment_is_kept_at_any_time(alert: Alert) -> None:
    """Also when it is resolved; it changes nothing else."""
    done = resolve(alert, "Web team", T0).alert
    commented = comment(done, "Web team", "A certificate had run out.", T0)
    assert commented.alert.state == "resolved"
    assert commented.transition.text == "A certificate had run out."


def test_an_alert_is_ended_by_hand(alert: Alert) -> None:
    """Nobody has it any more, and who was told is told."""
    held = acknowledge(alert, "Web team", T0, POLICY).alert
    ended = resolve(held, "Web team", T0 + HOUR, "Repaired")
    assert (ended.alert.state, ended.alert.ending, ended.alert.resolved_us) == ("resolved", "by_hand", T0 + HOUR)
    assert ended.alert.acknowledged_by == ""
    assert ended.told


@pytest.mark.parametrize(
    ("field", "action"),
    [
        ("until", lambda alert: acknowledge(alert, "a", T0, POLICY, T0)),
        ("until", lambda alert: acknowledge(alert, "a", T0, POLICY, T0 + 8 * DAY)),
        ("by", lambda alert: acknowledge(alert, " ", T0, POLICY)),
        ("by", lambda alert: assign(alert, "x" * 201, "b", T0)),
        ("by", lambda alert: assign(alert, "a\0", "b", T0)),
        ("to", lambda alert: assign(alert, "a", "x" * 201, T0)),
        ("text", lambda alert: comment(alert, "a", " ", T0)),
        ("text", lambda alert: comment(alert, "a", "x" * 4_001, T0)),
        ("text", lambda alert: resolve(alert, "a", T0, "a\0b")),
        ("state", lambda alert: resolve(resolve(alert, "a", T0).alert, "a", T0)),
        ("state", lambda alert: acknowledge(resolve(alert, "a", T0).alert, "a", T0, POLICY)),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(alert: Alert, field: str, action: Callable[[Alert], Taken]) -> None:
    """A time that is over or too far away, nobody's name, an empty or endless text, an alert that is over."""
    with pytest.raises(RecordRefused) as raised:
        action(alert)
    assert raised.value.field == field
