"""Rounds, actions and silences as the engine and the pages use them, on SQLite and on a real PostgreSQL."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from services.alerts.actions import acknowledge, comment, resolve
from services.alerts.keeping import AlertKeeping, Message
from services.alerts.lifecycle import Outcome, Round
from services.alerts.policy import Policy
from services.alerts.steps import TOLD, Taken
from shared.alerts.finding import Finding, Series
from shared.errors import RecordConflict, RecordRefused
from shared.registry.alert_silences import SilenceValues
from shared.registry.registry import Registry
from tests.alerts_lifecycle.build import DAY, HOUR, MINUTE, T0, finding, series
from tests.registry.conftest import Open

WEB, PHONE = series(), series("repeat_contact", "phone")
POLICY = Policy()


def tell(taken: Taken) -> Sequence[Message]:
    """One receiver is told of the steps that are told to everybody."""
    return [Message("hook", taken.transition.step.encode())] if taken.transition.step in TOLD else []


@pytest.fixture
def keeping(registry: Registry) -> AlertKeeping:
    """Alerts of an empty registry."""
    return AlertKeeping(registry, POLICY, tell)


def pass_round(keeping: AlertKeeping, now_us: int, *found: Series | Finding) -> Outcome:
    """A round as the engine passes it."""
    findings = [finding(each, now_us) if isinstance(each, Series) else each for each in found]
    return keeping.pass_round(keeping.begin(now_us), Round(now_us=now_us, findings=findings), b"state")


def messages(registry: Registry) -> list[str]:
    """What was to be told, in the order in which it is given out."""
    told = []
    while claimed := registry.outbox.claim(1, T0 + 100 * DAY):
        told.append(claimed[0].message.decode())
        registry.outbox.delivered(claimed[0].id)
    return told


def test_an_alert_lives_through_a_restart(open_registry: Open) -> None:
    """Fired, acknowledged and ended by three processes, told once each; the history says who."""
    registry = open_registry()
    keeping = AlertKeeping(registry, POLICY, tell)
    outcome = pass_round(keeping, T0, WEB)
    (alert,) = keeping.open()
    assert outcome.alerts == (alert,)
    other = AlertKeeping(open_registry(), POLICY, tell)
    taken = other.act(alert.id, 1, lambda read: acknowledge(read, "Web team", T0 + MINUTE, POLICY))
    assert taken == other.get(alert.id) == keeping.open()[0]
    third = AlertKeeping(open_registry(), POLICY, tell)
    for minute in range(2, 14):
        pass_round(third, T0 + minute * MINUTE)
    assert keeping.open() == ()
    (ended,) = keeping.resolved(T0)
    assert ended.ending == "ended"
    assert [(each.step, each.by) for each in keeping.history(alert.id)] == [
        ("fired", ""),
        ("acknowledged", "Web team"),
        ("resolved", ""),
    ]
    assert messages(registry) == ["fired", "resolved"]


def test_the_engine_goes_on_where_it_was(keeping: AlertKeeping) -> None:
    """Its own state and the instant of its last round come back; the time without finding is counted from there."""
    begun = keeping.begin(T0)
    assert (begun.state, begun.round_us, begun.alerts) == (b"", None, ())
    keeping.pass_round(begun, Round(now_us=T0, findings=[finding(WEB, T0)]), b"\x00offsets")
    again = keeping.begin(T0 + MINUTE)
    assert (again.state, again.round_us) == (b"\x00offsets", T0)
    keeping.pass_round(again, Round(now_us=T0 + 4 * MINUTE), b"")
    assert keeping.open()[0].quiet_us == 4 * MINUTE


def test_a_person_may_act_while_a_round_is_judged(keeping: AlertKeeping, registry: Registry) -> None:
    """The round is judged again with what the person did: it stays ended by hand, and nobody is told that it lasts."""
    pass_round(keeping, T0, WEB)
    begun = keeping.begin(T0 + MINUTE)
    keeping.act(begun.alerts[0].id, 1, lambda read: resolve(read, "Web team", T0 + MINUTE))
    findings = [finding(WEB, T0 + MINUTE)]
    assert keeping.pass_round(begun, Round(now_us=T0 + MINUTE, findings=findings), b"").taken == ()
    assert keeping.open() == ()
    assert messages(registry) == ["fired", "resolved"]


def test_a_second_engine_stops(keeping: AlertKeeping, registry: Registry) -> None:
    """Who began before another wrote is refused; its round leaves nothing."""
    begun = keeping.begin(T0)
    pass_round(keeping, T0, WEB)
    with pytest.raises(RecordConflict):
        keeping.pass_round(begun, Round(now_us=T0, findings=[finding(PHONE, T0)]), b"")
    assert messages(registry) == ["fired"]


def test_who_comes_second_is_told(keeping: AlertKeeping) -> None:
    """Two people act on one version; and what cannot be done is refused, with nothing written."""
    pass_round(keeping, T0, WEB)
    (alert,) = keeping.open()
    keeping.act(alert.id, 1, lambda read: comment(read, "a", "seen", T0))
    with pytest.raises(RecordConflict):
        keeping.act(alert.id, 1, lambda read: comment(read, "b", "seen too", T0))
    with pytest.raises(RecordRefused):
        keeping.act(alert.id, 2, lambda read: comment(read, "b", "", T0))
    assert [each.text for each in keeping.history(alert.id)] == ["", "seen"]


def test_newer_figures_do_not_get_in_the_way_of_people(keeping: AlertKeeping) -> None:
    """Rounds went on while a person read the page: the version they saw is still the present one."""
    pass_round(keeping, T0, WEB)
    (alert,) = keeping.open()
    pass_round(keeping, T0 + MINUTE, finding(WEB, T0 + MINUTE, observed=50.0))
    acknowledged = keeping.act(alert.id, alert.version, lambda read: acknowledge(read, "a", T0 + MINUTE, POLICY))
    assert acknowledged.findings[0].observed == 50.0


SILENCE = SilenceValues(channel="web", from_us=T0, until_us=T0 + HOUR, reason="New form", author="Web team")


def test_a_silence_is_previewed_set_and_ended(keeping: AlertKeeping, registry: Registry) -> None:
    """It hides what it said it would, from the next round on; ended early, the alert is told."""
    pass_round(keeping, T0, WEB)
    seen = keeping.preview(SILENCE, T0)
    assert ([each.id for each in seen.open], seen.past) == ([keeping.open()[0].id], ())
    silence = keeping.silence(SILENCE, T0)
    assert [each.transition.step for each in pass_round(keeping, T0 + MINUTE, WEB).taken] == ["suppressed"]
    assert keeping.open()[0].suppressed_by == f"silence:{silence.id}"
    keeping.end_silence(silence.id, 1, T0 + 2 * MINUTE)
    with pytest.raises(RecordConflict):
        keeping.end_silence(silence.id, 2, T0 + 3 * MINUTE)
    assert [each.transition.step for each in pass_round(keeping, T0 + 3 * MINUTE, WEB).taken] == ["unsuppressed"]
    assert messages(registry) == ["fired", "unsuppressed"]


def test_a_silence_that_has_not_begun_is_taken_away(keeping: AlertKeeping, registry: Registry) -> None:
    """It leaves its history; one that is over already is not set at all."""
    silence = keeping.silence(structs.replace(SILENCE, from_us=T0 + MINUTE), T0)
    with pytest.raises(RecordConflict):
        keeping.end_silence(silence.id, 7, T0)
    keeping.end_silence(silence.id, 1, T0)
    assert registry.silences.get(silence.id) is None
    assert [each.ended for each in registry.silences.history(silence.id)] == ["removed"]
    with pytest.raises(RecordRefused):
        keeping.silence(SILENCE, T0 + HOUR)


def test_what_the_last_days_had_is_previewed(keeping: AlertKeeping) -> None:
    """A silence of the web would have hidden Monday's alert; the telephone's it would not."""
    pass_round(keeping, T0, WEB, series("long_wait", "phone", service="taxes"))
    for minute in range(1, 12):
        pass_round(keeping, T0 + minute * MINUTE)
    seen = keeping.preview(SILENCE, T0 + 6 * DAY)
    assert [alert.findings[0].series for alert in seen.past] == [WEB]
    assert keeping.preview(SILENCE, T0 + 8 * DAY).past == ()


def test_names_of_any_kind_are_kept(keeping: AlertKeeping, registry: Registry) -> None:
    """A service or a place may be called anything, also what PostgreSQL keeps in no text."""
    odd = "\u00e9\u00e8 \0 'x' \U0001f600"
    pass_round(keeping, T0, series(service=odd))
    pass_round(keeping, T0 + MINUTE, series(service=odd), series("repeat_contact", "phone", odd, service=odd))
    assert keeping.open()[0].findings[0].series.service == odd
    assert messages(registry) == ["fired"]
    assert [each.text for each in keeping.history(keeping.open()[0].id)] == [
        "",
        "\u00e9\u00e8  'x' \U0001f600 phone \u00e9\u00e8  'x' \U0001f600",
    ]


def test_old_alerts_are_forgotten_after_their_retention(keeping: AlertKeeping, registry: Registry) -> None:
    """Two years unless said otherwise; with their messages delivered."""
    pass_round(keeping, T0, WEB)
    for minute in range(1, 12):
        pass_round(keeping, T0 + minute * MINUTE)
    assert messages(registry) == ["fired", "resolved"]
    assert keeping.forget(T0 + 730 * DAY) == 0
    assert keeping.forget(T0 + 731 * DAY) == 1
    assert keeping.resolved(0) == ()
