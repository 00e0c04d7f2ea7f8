"""Alerts in the registry, on SQLite and on a real PostgreSQL: rounds and actions whole or not at all, one writer at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from shared.errors import RecordConflict, RecordRefused
from shared.registry.alert_rows import AlertRow, Change, Fence
from shared.registry.alert_silences import SilenceValues
from shared.registry.registry import Registry
from tests.alerts_lifecycle.rows import T0, change, delivery, row, step, write
from tests.registry.conftest import Open

DAY = 86_400_000_000


def everything(registry: Registry) -> tuple[object, ...]:
    """All that is kept about alerts."""
    alerts = [*registry.alerts.open(), *registry.alerts.resolved(0)]
    told = [registry.outbox.of(each.id) for each in alerts]
    held = registry.alerts.held(0)
    return alerts, told, [registry.alerts.history(each.id) for each in alerts], held.version, held.state


def test_a_round_is_kept_whole(open_registry: Open) -> None:
    """Another process finds the engine's state, the alerts, what happened, and what is to be told."""
    registry = open_registry()
    first = registry.alerts.held(0)
    assert (first.version, first.round_us, first.state, first.alerts) == (0, None, b"", [])
    one, other = row("a"), row("b", suppressed_by="silence:s")
    registry.alerts.commit_round(write(0, one, other, receivers=("hook", "mail"), state=b"\x00\xff bytes"))
    again = open_registry()
    held = again.alerts.held(0)
    assert (held.version, held.round_us, held.state) == (1, T0, b"\x00\xff bytes")
    assert sorted(held.alerts, key=lambda each: each.id) == [one, other]
    assert again.alerts.history(one.id) == [step(one)]
    assert [each.id for each in again.outbox.of(one.id)] == [f"{one.id}-1-hook", f"{one.id}-1-mail"]
    assert again.alerts.get(one.id) == one
    assert again.alerts.get("0" * 16) is again.alerts.get("nonsense\0") is None
    assert again.alerts.history("nonsense\0") == []


def test_an_alert_goes_through_its_life(registry: Registry) -> None:
    """Each round replaces what it read; resolved ones are given as long as they matter."""
    one = row("a")
    registry.alerts.commit_round(write(0, one))
    ended = structs.replace(one, version=2, state="resolved", resolved_us=T0 + 5)
    registry.alerts.commit_round(write(1, ended))
    assert registry.alerts.open() == []
    assert registry.alerts.held(T0 + 5).alerts == [ended]
    assert registry.alerts.held(T0 + 6).alerts == []
    assert registry.alerts.resolved(T0) == [ended]
    assert [each.number for each in registry.alerts.history(one.id)] == [1, 2]


def test_figures_change_without_a_transition(registry: Registry) -> None:
    """A round that only brings newer figures leaves the version, so that people's actions are not refused."""
    one = row("a")
    registry.alerts.commit_round(write(0, one))
    newer = structs.replace(one, document="{}")
    registry.alerts.commit_round(write(1, alerts=[(newer, 1)]))
    assert registry.alerts.open() == [newer]
    registry.alerts.change(one.id, 1, lambda read: change(structs.replace(read, version=2)))
    assert registry.alerts.open()[0].document == "{}"


def test_two_engines_cannot_both_write(registry: Registry) -> None:
    """Who read an older state is refused, and nothing of its round is kept."""
    registry.alerts.commit_round(write(0, row("a")))
    before = everything(registry)
    for replaces in (0, 2):
        with pytest.raises(RecordConflict):
            registry.alerts.commit_round(write(replaces, row("b")))
    assert everything(registry) == before


def test_of_many_engines_at_once_one_writes(open_registry: Open) -> None:
    """Eight threads with one state: one round is kept, whole."""
    registries = [open_registry() for _ in range(4)]

    def commit(number: int) -> bool:
        try:
            registries[number % 4].alerts.commit_round(write(0, row(f"{number}")))
        except RecordConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(commit, range(8))) == 1
    (kept,) = registries[0].alerts.open()
    assert registries[0].alerts.history(kept.id) == [step(kept)]
    assert len(registries[0].outbox.of(kept.id)) == 1


def test_who_lost_the_lease_cannot_write(registry: Registry) -> None:
    """The token of another holder's time is refused; the present holder's is not, even when its time is over and nobody took it."""
    token = registry.leases.take("alerts", "one", 5)
    assert token is not None
    registry.alerts.commit_round(write(0, row("a"), fence=Fence("alerts", token)))
    registry.leases.release("alerts", "one")
    registry.alerts.commit_round(write(1, row("b"), fence=Fence("alerts", token)))
    assert registry.leases.take("alerts", "two", 5) == token + 1
    before = everything(registry)
    for fence in (Fence("alerts", token), Fence("another", 1)):
        with pytest.raises(RecordConflict):
            registry.alerts.commit_round(write(2, row("c"), fence=fence))
    assert everything(registry) == before


def test_a_round_does_not_overwrite_what_a_person_did(registry: Registry) -> None:
    """The alert was acknowledged since it was read: the round is refused, and can be judged again."""
    one = row("a")
    registry.alerts.commit_round(write(0, one))
    acknowledged = registry.alerts.change(
        one.id, 1, lambda read: change(structs.replace(read, version=2, state="acknowledged"))
    )
    assert acknowledged.state == "acknowledged"
    before = everything(registry)
    with pytest.raises(RecordConflict):
        registry.alerts.commit_round(write(1, structs.replace(one, version=2)))
    assert everything(registry) == before
    registry.alerts.commit_round(write(1, structs.replace(acknowledged, version=3)))


def test_one_cause_has_one_open_alert(registry: Registry) -> None:
    """The database refuses a second one; it takes the next one with the end of the first, in one round."""
    one = row("a")
    registry.alerts.commit_round(write(0, one))
    second = structs.replace(row("b"), key=one.key)
    with pytest.raises(RecordConflict):
        registry.alerts.commit_round(write(1, second))
    ended = structs.replace(one, version=2, state="resolved", resolved_us=T0)
    registry.alerts.commit_round(write(1, ended, second))
    assert registry.alerts.open() == [second]
    third = structs.replace(row("c"), key=one.key)
    back = structs.replace(ended, version=3, state="firing", resolved_us=None)
    with pytest.raises(RecordConflict):
        registry.alerts.commit_round(write(2, back))
    registry.alerts.commit_round(write(2, structs.replace(second, version=2, state="resolved", resolved_us=T0), third))


def test_of_many_people_that_act_at_once_one_succeeds(open_registry: Open) -> None:
    """Eight comments on one version: one is kept, the others are told; versions and history stay in step."""
    registries = [open_registry() for _ in range(2)]
    one = row("a")
    registries[0].alerts.commit_round(write(0, one))

    def comment(number: int) -> bool:
        try:
            registries[number % 2].alerts.change(
                one.id, 1, lambda read: change(structs.replace(read, version=2), f"by {number}")
            )
        except RecordConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(comment, range(8))) == 1
    assert [each.number for each in registries[0].alerts.history(one.id)] == [1, 2]


def test_rounds_and_people_meet_without_a_loss(open_registry: Open) -> None:
    """One engine and three people write on the same alert at once: every success is one transition, numbered without gaps."""
    registries = [open_registry() for _ in range(4)]
    registries[0].alerts.commit_round(write(0, row("a")))
    successes = []

    def work(worker: int) -> None:
        alerts = registries[worker].alerts
        for _ in range(12):
            try:
                held = alerts.held(0)
                (read,) = held.alerts
                further = structs.replace(read, version=read.version + 1)
                if worker == 0:
                    alerts.commit_round(write(held.version, further, receivers=()))
                else:
                    alerts.change(read.id, read.version, lambda _, to=further: Change(alert=to, transition=step(to)))
                successes.append(worker)
            except RecordConflict:
                continue

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work, worker) for worker in range(4)]:
            done.result()
    (kept,) = registries[0].alerts.open()
    assert kept.version == len(successes) + 1
    assert [each.number for each in registries[0].alerts.history(kept.id)] == list(range(1, kept.version + 1))


def test_an_action_that_is_refused_leaves_nothing(registry: Registry) -> None:
    """Whatever the action raises; nor does a version that is not the present one, an id that is none."""
    one = row("a")
    registry.alerts.commit_round(write(0, one))
    before = (everything(registry), registry.alerts.changes())

    def refuse(_row: AlertRow) -> Change:
        raise RecordRefused("text", "no")

    with pytest.raises(RecordRefused):
        registry.alerts.change(one.id, 1, refuse)
    for alert, version in ((one.id, 2), (one.id, 0), (one.id, 10**30), ("0" * 16, 1), ("x\0", 1)):
        with pytest.raises(RecordConflict):
            registry.alerts.change(alert, version, change)
    assert (everything(registry), registry.alerts.changes()) == before


def test_what_is_shown_can_be_asked_for_news(registry: Registry) -> None:
    """A number that grows with every round and action, and with nothing else."""
    assert registry.alerts.changes() == 0
    one = row("a")
    registry.alerts.commit_round(write(0, one))
    registry.alerts.change(one.id, 1, lambda read: change(structs.replace(read, version=2)))
    registry.outbox.delivered(f"{one.id}-1-hook")
    assert registry.alerts.changes() == 2


def test_old_alerts_are_forgotten_with_all_that_was_told(registry: Registry) -> None:
    """After their retention, with history and messages; what is open, younger or still to be told stays."""
    ends = {"a": T0, "b": T0, "c": T0 + DAY, "d": None}
    alerts = [row(name, state="resolved" if at else "firing", resolved_us=at) for name, at in ends.items()]
    registry.alerts.commit_round(write(0, *alerts))
    for each in alerts:
        if each.id[0] != "b":
            registry.outbox.delivered(delivery(each).id)
    assert registry.alerts.forget(T0 + 1) == 1
    assert registry.alerts.forget(T0 + 1) == 0
    assert registry.alerts.get("a" * 16) is None
    assert registry.alerts.history("a" * 16) == registry.outbox.of("a" * 16) == []
    assert {each.id[0] for each in registry.alerts.held(0).alerts} == {"b", "c", "d"}
    assert len(registry.alerts.history("b" * 16)) == 1


SILENCE = SilenceValues(service="housing", from_us=T0, until_us=T0 + DAY, reason="New form", author="Web team")


def test_silences_are_kept_with_their_history(registry: Registry) -> None:
    """Given while they hold or will; what was changed stays in the history; who comes second is told."""
    silences = registry.silences
    kept = silences.add(SILENCE)
    later = silences.add(
        structs.replace(SILENCE, kind="maintenance", service="", from_us=T0 + DAY, until_us=T0 + 2 * DAY)
    )
    assert silences.ending_after(T0) == [kept, later]
    assert silences.ending_after(T0 + DAY) == [later]
    silences.change(kept.id, 1, structs.replace(SILENCE, until_us=T0 + 5))
    with pytest.raises(RecordConflict):
        silences.change(kept.id, 1, SILENCE)
    assert [each.document["until_us"] for each in silences.history(kept.id)] == [T0 + DAY]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("until_us", {"until_us": T0}),
        ("until_us", {"until_us": T0 + 31 * DAY + 1}),
        ("from_us", {"from_us": -1}),
        ("until_us", {"until_us": 2**63}),
        ("reason", {"reason": " "}),
        ("author", {"author": ""}),
        ("rule", {"rule": "Not a rule"}),
        ("territory", {"territory": "a\0"}),
        ("kind", {"kind": "party"}),
        ("", {"service": ""}),
    ],
)
def test_a_silence_says_what_until_when_and_why(registry: Registry, field: str, values: dict[str, object]) -> None:
    """Without an end, for more than a month, without a reason, or of everything, it is refused by name."""
    with pytest.raises(RecordRefused) as raised:
        registry.silences.add(structs.replace(SILENCE, **values))
    assert raised.value.field == field
