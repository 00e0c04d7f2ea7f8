"""Other settings judged on the same past, in the pure core."""

import json
from collections import Counter
from itertools import groupby

import pytest

from shared.detection.occurrence import decode_arrivals
from shared.detection.settings import DEFAULTS, merged
from shared.detection.what_if import Comparing, Comparison, Scenario, lead_us
from shared.journey.instants import DAY_US
from tests.simulation.samples import FROM_US, NOW_US, SCENARIOS, TO_US, counts, expected, some_events


def compared(scenario: Scenario, people: int) -> Comparison:
    """What the scenario finds among so many people."""
    comparing = Comparing(scenario, DEFAULTS, NOW_US)
    rows = sorted(
        some_events(people), key=lambda each: (each["data"]["service"], each["subject"], each["time"], each["id"])
    )
    for (service, _), events in groupby(rows, key=lambda each: (each["data"]["service"], each["subject"])):
        if scenario.service in {None, service}:
            comparing.add(service, decode_arrivals(json.dumps(list(events)).encode()))
    return comparing.result


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.rule)
def test_it_finds_what_the_definitions_give(scenario: Scenario) -> None:
    """Points now, then, appearing and disappearing, rule by rule, are those of the reference on the same events."""
    found = compared(scenario, 120)
    assert {rule: counts(cell) for rule, cell in found.cells["rule"].items()} == expected(some_events(120), scenario)
    total = found.cells["rule"][scenario.rule]
    for group in ("service", "channel", "territory", "day"):
        assert sum((counts(cell) for cell in found.cells[group].values()), Counter()) == counts(total)


def test_a_source_restricts_the_points() -> None:
    """Only points whose anchor came from the source asked for are counted."""
    rule = {"rule": "repeat_contact", "settings": {"window_s": 86_400}, "from_us": FROM_US, "to_us": TO_US}
    assert compared(Scenario(**rule, source="/test"), 60) == compared(Scenario(**rule), 60)
    assert compared(Scenario(**rule, source="/elsewhere"), 60).cells["rule"] == {}


def test_windows_decide_how_far_back_one_looks():
    """The longest window of both documents, those of single services included, lies before the period."""
    scenario = Scenario(rule="repeat_contact", settings={"window_s": 40 * 86_400}, from_us=0, to_us=1)
    assert lead_us(DEFAULTS, scenario) == 40 * DAY_US
    own = merged(DEFAULTS, {"service": {"tax": {"form_abandoned": {"saved_window_s": 50 * 86_400}}}})
    assert lead_us(own, scenario) == 50 * DAY_US


def test_the_name_follows_from_the_question():
    """The same scenario on the same settings has one name; other settings in force give another."""
    assert SCENARIOS[0].name(DEFAULTS) == SCENARIOS[0].name(json.loads(json.dumps(DEFAULTS)))
    assert SCENARIOS[0].name(DEFAULTS) != SCENARIOS[1].name(DEFAULTS)
    assert SCENARIOS[0].name(DEFAULTS) != SCENARIOS[0].name(merged(DEFAULTS, SCENARIOS[1].settings))
