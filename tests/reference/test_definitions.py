"""The reference, sentence by sentence of the page."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.reference.case import LONG_AFTER_US, START_US, US, Case, at, event
from tests.reference.cases import CASES
from tests.reference.definitions import points_in_force
from tests.reference.journeys import seconds_us
from tests.reference.rule_settings import DAY_S, HOUR_S, RULES, lateness_s, resolved


def found(
    events: list[dict[str, Any]], overrides: Mapping[str, Any] | None = None, now_us: int = LONG_AFTER_US
) -> list[tuple[str, str]]:
    """(rule, anchor) of the points, sorted."""
    points = points_in_force(events, resolved(overrides or {}), now_us)
    return sorted((point["rule"], point["anchor"]) for point in points)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case):
    """Each case has exactly the points, and the details of them, that the page gives."""
    points = points_in_force(case.events, case.document, case.now_us)
    assert sorted((point["rule"], point["anchor"]) for point in points) == case.expected, case.says
    by_anchor = {(point["rule"], point["anchor"]): point for point in points}
    for key, details in case.details.items():
        assert {name: by_anchor[key][name] for name in details} == details, case.says


def test_cases_are_told_apart():
    """Every case has a name of its own and its expected points in order, and together they show every rule."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.expected == sorted(case.expected) for case in CASES)
    assert {rule for case in CASES for rule, _ in case.expected} == set(RULES)


def test_every_point_carries_all_fields():
    """A point names rule, version, anchor, journey, dimensions, time, evidence and minutes, and has a key."""
    (point,) = points_in_force([event("a", "click.repeated", 0, step="pay")], resolved({}), START_US)
    assert point == {
        "key": ("repeated_click", "p1-ann", "aid", "/test", "a"),
        "rule": "repeated_click",
        "version": 1,
        "parameters": {},
        "figures": {},
        "source": "/test",
        "anchor": "a",
        "subject": "p1-ann",
        "service": "aid",
        "cut": 0,
        "channel": "",
        "step": "pay",
        "office": "",
        "territory": "",
        "case": "",
        "time": "2024-03-04T09:00:00.000000Z",
        "evidence": ["a"],
        "evidence_sources": ["/test"],
        "minutes_citizen": None,
        "minutes_administration": None,
    }


def test_key_of_a_missed_deadline_has_the_due():
    """For a deadline the key also has the due as announced, not as moved."""
    events = [
        event("a", "case.opened", 0, case="k", due=DAY_S),
        event("b", "information.requested", 1, case="k"),
        event("c", "information.received", 3, case="k"),
    ]
    (point,) = points_in_force(events, resolved({}), LONG_AFTER_US)
    assert point["key"] == ("deadline_missed", "p1-ann", "aid", "/test", "a", at(DAY_S))
    assert point["time"] == at(DAY_S + 2)


def test_windows_are_elapsed_time_across_a_change_of_clocks():
    """Seven days are 168 hours, whatever the clocks on the wall say: 31 March 2024 has 23 in Paris."""

    def contact(event_id: str, time: str) -> dict[str, Any]:
        return {**event(event_id, "contact.made", 0), "time": time}

    first = contact("a", "2024-03-28T10:00:00+01:00")
    assert found([first, contact("b", "2024-04-04T11:00:00+02:00")]) == [("repeat_contact", "b")]
    assert found([first, contact("b", "2024-04-04T11:00:00.000001+02:00")]) == []


def test_order_is_by_instant_not_by_text():
    """Times with different offsets are compared as instants."""
    refused = {**event("a", "call.rejected", 0), "time": "2024-03-04T10:30:00+01:00"}
    contact = {**event("b", "contact.made", 0), "time": "2024-03-04T10:00:00Z"}
    assert found([contact, refused]) == [("turned_away", "a"), ("unanswered_retry", "b")]


def test_dues_are_compared_as_instants():
    """The same due told with another offset is the due that was last set."""
    told = event("b", "notice.sent", 60, case="k")
    told["data"]["due"] = "2024-03-05T10:00:00+01:00"
    assert found([event("a", "case.opened", 0, case="k", due=DAY_S), told]) == [("deadline_missed", "a")]


def test_prefix_of_a_type_is_dropped():
    """`parcours.click.repeated` is `click.repeated`."""
    assert found([event("a", "parcours.click.repeated", 0)]) == [("repeated_click", "a")]


def test_empty_strings_are_absent():
    """An empty subject is none, an empty contact, channel or matter too."""
    assert found([{**event("a", "click.repeated", 0), "subject": ""}]) == []
    first = event("a", "contact.made", 0, contact="", channel="", matter="leak")
    second = event("b", "contact.made", HOUR_S, contact="", channel="web", matter="")
    assert found([first, second]) == [("repeat_contact", "b")]


@pytest.mark.parametrize(
    ("anchor", "fires_s", "rule"),
    [
        (event("a", "form.step", 0), DAY_S, "form_abandoned"),
        (event("a", "form.saved", 0), 7 * DAY_S, "form_abandoned"),
        (event("a", "message.received", 0), 5 * DAY_S, "unanswered_message"),
        (event("a", "callback.requested", 0), 2 * DAY_S, "unanswered_message"),
        (event("a", "case.opened", 0, case="k", due=HOUR_S), HOUR_S, "deadline_missed"),
    ],
)
def test_what_did_not_happen_counts_a_minute_after_its_time(anchor: dict[str, Any], fires_s: float, rule: str):
    """A timer counts one minute after its time, or as soon as the journey is known to be further."""
    fires_us = START_US + seconds_us(fires_s + 60)
    assert found([anchor], now_us=fires_us) == [(rule, "a")]
    assert found([anchor], now_us=fires_us - 1) == []
    at_its_time = event("z", "page.viewed", fires_s)
    just_after = event("z", "page.viewed", fires_s + US)
    assert found([anchor, at_its_time], now_us=START_US) == []
    assert found([anchor, just_after], now_us=START_US) == [(rule, "a")]


def test_a_point_is_judged_by_the_version_of_its_anchor():
    """The window is that of the version in which the anchor came; other events' versions do not matter."""
    events = [
        event("a", "contact.made", 0),
        event("b", "contact.made", 2 * HOUR_S),
        event("c", "contact.made", 4 * HOUR_S),
    ]
    documents = {1: resolved({}), 2: resolved({"repeat_contact": {"window_s": 3_600}})}
    versions = {"a": 1, "b": 2, "c": 1}
    points = points_in_force(events, documents[1], LONG_AFTER_US, lambda identity: versions[identity[1]], documents)
    assert [(point["anchor"], point["version"]) for point in points] == [("c", 1)]


@pytest.mark.parametrize(("version", "met"), [(1, [("repeated_request", "b")]), (2, [])])
def test_a_cut_is_judged_by_the_version_of_the_later_event(version: int, met: list[tuple[str, str]]):
    """The gap between two events is that of the version in which the later one came."""
    events = [event(name, "information.requested", HOUR_S * at_h, document="id") for name, at_h in (("a", 0), ("b", 2))]
    documents = {1: resolved({}), 2: resolved({"journey": {"gap_s": 3_600}})}
    points = points_in_force(
        events, documents[1], LONG_AFTER_US, lambda identity: {"a": 3 - version, "b": version}[identity[1]], documents
    )
    assert [(point["rule"], point["anchor"]) for point in points] == met


def test_lateness_of_sources():
    """24 hours, or what the settings say for the source."""
    document = resolved({"source": {"/phone/pbx": {"lateness_s": 3_600}}})
    assert lateness_s(document, "/phone/pbx") == 3_600
    assert lateness_s(document, "/web") == 86_400
