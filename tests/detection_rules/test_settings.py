"""The settings of the rules: defaults, services, sources, minutes."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.detection.settings import (
    ASSUMPTION,
    DEFAULTS,
    MINUTES,
    OFF_BY_DEFAULT,
    RULE_PARAMETERS,
    RULES,
    Minutes,
    RuleBook,
    ServiceRules,
    merged,
)
from shared.errors import DetectionError
from shared.journey.instants import DAY_US, SECOND_US
from shared.journey.vocabulary import CHANNELS

DEFINITIONS = (Path(__file__).parents[2] / "docs" / "definitions" / "frictions.md").read_text(encoding="utf-8")


def book(**over: Any) -> RuleBook:
    """A rule book of the defaults with something laid over them."""
    return RuleBook(merged(DEFAULTS, over), 3)


def test_rules_are_those_of_the_definitions_in_their_order() -> None:
    """The table of parameters names the rules of the definitions' table, in that order."""
    assert tuple(re.findall(r"^\| `(\w+)` \| ", DEFINITIONS.split("## Rules")[1], re.MULTILINE)) == RULES


def test_parameters_have_the_names_of_the_definitions() -> None:
    """Every rule has the parameters that the definitions name, and no other."""
    names = DEFINITIONS.split("Names: ")[1].split("\n\n")[0].replace("\n", " ")
    listed = {}
    for part in names.rstrip(".").split(" · "):
        rule, *parameters = part.split()
        listed[rule.strip("`")] = [each.removesuffix(".CHANNEL") for each in parameters]
    for rule, table in RULE_PARAMETERS.items():
        assert listed.get(rule, []) == list(table)


def test_every_rule_has_its_flag() -> None:
    """`ServiceRules` has one flag for each rule, set as `enabled` says."""
    rules = book().for_service("any")
    flags = [name for name in ServiceRules.__struct_fields__ if name in RULES]
    assert flags == list(RULES)
    assert {rule for rule in RULES if getattr(rules, rule)} == rules.enabled == set(RULES) - OFF_BY_DEFAULT


def test_defaults_are_those_of_the_definitions() -> None:
    """Windows in microseconds, counts and limits as the definitions give them."""
    rules = book().for_service("any")
    assert rules.version == 3
    assert (rules.repeat_min_gap_us, rules.repeat_window_us) == (300 * SECOND_US, 7 * DAY_US)
    assert (rules.retry_window_us, rules.switch_window_us) == (DAY_US, 7 * DAY_US)
    assert (rules.form_window_us, rules.form_saved_window_us) == (DAY_US, 7 * DAY_US)
    assert (rules.error_count, rules.error_window_us) == (3, 1_800 * SECOND_US)
    assert rules.wait_limit_s == {"phone": 300, "counter": 1_200}
    assert rules.queue_minimum_s == {"phone": 10, "counter": 300}
    assert (rules.message_window_us, rules.callback_window_us) == (5 * DAY_US, 2 * DAY_US)
    assert (rules.transfer_count, rules.rating_limit) == (2, 2)
    assert (rules.gap_us, rules.open_case_gap_us) == (90 * DAY_US, 400 * DAY_US)
    assert rules.failure_demand_window_us == 7 * DAY_US


def test_a_service_has_its_own_settings() -> None:
    """What a service sets holds for it alone; what it leaves out, and other services, keep the general settings."""
    rules = book(
        long_wait={"limit_s": {"phone": 120}},
        service={
            "permit": {
                "rework": {"enabled": True},
                "long_wait": {"limit_s": {"counter": 60}},
                "journey": {"gap_s": 86_400},
                "failure_demand": {"window_s": 172_800},
            }
        },
    )
    permit, other = rules.for_service("permit"), rules.for_service("other")
    assert (permit.rework, other.rework) == (True, False)
    assert permit.wait_limit_s == {"phone": 120, "counter": 60}
    assert other.wait_limit_s == {"phone": 120, "counter": 1_200}
    assert (permit.gap_us, other.gap_us) == (DAY_US, 90 * DAY_US)
    assert rules.failure_demand_window_us("permit") == 2 * DAY_US
    assert rules.failure_demand_window_us("other") == 7 * DAY_US


def test_services_without_a_table_share_their_rules() -> None:
    """However many services there are, a rule book holds no more than its document names."""
    rules = book()
    assert rules.for_service("a") is rules.for_service("b")


def test_lateness_is_set_per_source() -> None:
    """A source has 24 hours unless it sets its own; the largest of all is known."""
    rules = book(source={"/office": {"lateness_s": 7 * 86_400}, "/pbx": {"lateness_s": 0}, "/other": {}})
    assert rules.lateness_us("/office") == 7 * DAY_US
    assert rules.lateness_us("/pbx") == 0
    assert rules.lateness_us("/other") == rules.lateness_us("/unknown") == DAY_US
    assert rules.max_lateness_us == 7 * DAY_US
    assert book(source={"/pbx": {"lateness_s": 1}}).max_lateness_us == DAY_US


def test_a_rule_book_survives_the_log() -> None:
    """A document that went through JSON gives the same rules."""
    over = merged(DEFAULTS, {"service": {"permit": {"rework": {"enabled": True}}}})
    again = RuleBook(msgspec.json.decode(msgspec.json.encode(over)), 1)
    assert again.document == over
    assert again.for_service("permit") == RuleBook(over, 1).for_service("permit")


@pytest.mark.parametrize("document", [{}, {**DEFAULTS, "rework": 3}, {**DEFAULTS, "minutes": {"rework": 1}}])
def test_a_document_that_is_none_is_refused_by_name(document: dict[str, Any]) -> None:
    """A document without the resolved form stops the reader, naming the version."""
    with pytest.raises(DetectionError, match="version 9"):
        RuleBook(document, 9)


def test_merging_shares_nothing() -> None:
    """Changing a merged document leaves what it was made from as it was; a table replaces a value that is none."""
    base = {"a": {"b": {"c": 1}}, "d": 1}
    over = {"d": {"e": {"f": 2}}}
    result = merged(base, over)
    result["a"]["b"]["c"] = 9
    result["d"]["e"]["f"] = 9
    assert base == {"a": {"b": {"c": 1}}, "d": 1}
    assert over == {"d": {"e": {"f": 2}}}


def test_minutes_are_a_number_or_go_by_channel() -> None:
    """A number holds on every channel; a table only on those it names; nothing is told of nothing."""
    minutes = Minutes({"phone": 5}, 7, "a study")
    assert [minutes.citizen(channel) for channel in ("phone", "web", "", None)] == [5, None, None, None]
    assert [minutes.administration(channel) for channel in ("phone", "", None)] == [7, 7, 7]
    assert Minutes(None, None, "a study").citizen("phone") is None


def test_shipped_minutes_say_what_they_are() -> None:
    """Every shipped figure is marked as an assumption, is positive, and names rules and channels that exist."""
    rules = book().for_service("any")
    assert set(MINUTES) == set(rules.minutes) <= set(RULES)
    for minutes in rules.minutes.values():
        assert minutes.source == ASSUMPTION
        assert "not a measurement" in minutes.source
        for figure in (minutes.citizen_min, minutes.administration_min):
            table = figure if isinstance(figure, dict) else {"phone": 1 if figure is None else figure}
            assert set(table) <= set(CHANNELS)
            assert min(table.values()) > 0
