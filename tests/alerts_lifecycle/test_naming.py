"""What names an alert: the cause once named stays at its head, until something comes before it."""

import pytest

from services.alerts.actions import resolve
from shared.alerts.finding import Series
from tests.alerts_lifecycle.build import HOUR, MINUTE, Life, finding, series

FORM = series("error_loop", "web")
CLICKS = series("repeated_click", "web")
CALLS = series("repeat_contact", "phone")
WAITS = series("long_wait", "phone")


def named(life: Life) -> Series:
    """What names the only alert."""
    return life.only.findings[0].series


def test_the_form_names_the_alert_to_its_end_though_only_calls_last() -> None:
    """The form is repaired, the calls it caused go on for half an hour: the end is that of the broken form."""
    life = Life()
    life.round(FORM)
    life.round(FORM, CALLS, WAITS)
    for _ in range(30):
        life.round(finding(CALLS, life.now_us + MINUTE, observed=500.0, severity="critical"), WAITS)
        assert named(life) == FORM
    assert [each.series for each in life.only.findings] == [FORM, CALLS, WAITS]
    assert life.quiet(10) == ["resolved"]
    assert [taken.alert.findings[0].series for taken in life.history] == [FORM] * len(life.history)


def test_the_end_keeps_the_figures_of_the_last_time() -> None:
    """What is said of the form is what was found of it last."""
    life = Life()
    life.round(finding(FORM, life.now_us + MINUTE, observed=40.0))
    last_us = life.now_us
    life.round(CALLS)
    life.quiet(10)
    assert (life.only.findings[0].observed, life.only.findings[0].to_us) == (40.0, last_us)


def test_signs_of_one_kind_do_not_take_turns() -> None:
    """Errors and clicks of one form, now more of the one and now of the other: the title does not change each minute."""
    life = Life()
    life.round(CLICKS)
    for number in range(10):
        errors = finding(FORM, life.now_us + MINUTE, observed=100.0 if number % 2 else 10.0, severity="critical")
        life.round(errors, CLICKS)
        assert named(life) == CLICKS


def test_what_comes_before_takes_the_head_and_keeps_it() -> None:
    """Grave calls, then a milder form they can follow from: the form is what has to be repaired, also when it is not found any more."""
    life = Life()
    life.round(finding(CALLS, life.now_us + MINUTE, observed=500.0, severity="critical"))
    life.round(CALLS, FORM, after_us=10 * MINUTE)
    assert named(life) == FORM
    life.round(CALLS)
    assert named(life) == FORM
    assert life.only.severity == "critical"


def test_a_second_cause_in_the_same_alert_does_not_take_the_head() -> None:
    """A counter falls silent beside a broken form; calls follow from both, but no error of a form follows from a closed counter."""
    closed = series("", "counter", condition="silence")
    life = Life()
    life.round(FORM, CALLS)
    life.round(FORM, CALLS, finding(closed, life.now_us + MINUTE, observed=0.0, severity="critical"))
    assert closed in {each.series for each in life.only.findings}
    assert named(life) == FORM


def test_a_form_of_one_town_does_not_name_calls_of_the_whole_country() -> None:
    """It can explain calls of the town only, so the country's stay at the head."""
    country, town = series("repeat_contact", "phone", "fr"), series("repeat_contact", "phone", "fr/75")
    many = {"observed": 500.0, "expected": 10.0}
    life = Life()
    life.round(finding(country, life.now_us + MINUTE, **many), town)
    form = series("error_loop", "web", "fr/75")
    life.round(finding(country, life.now_us + MINUTE, **many), town, form)
    assert form in {each.series for each in life.only.findings}
    assert named(life) == country


@pytest.mark.parametrize("wide", [series("error_loop", "web", "fr"), series("error_loop", "", "fr/75")])
def test_the_place_widens_while_the_named_one_lasts(wide: Series) -> None:
    """A town, then far more around it: that is the place to look at. That the town is over first does not take it back."""
    town = series("error_loop", "web", "fr/75")
    life = Life()
    life.round(town)
    life.round(town, finding(wide, life.now_us + MINUTE, observed=200.0))
    assert named(life) == wide
    life.round(town)
    assert named(life) == wide


def test_a_part_that_ends_first_makes_the_trouble_no_wider() -> None:
    """Nearly all of the country's errors are one town's. When the town's fall just before the country's, it stays the town."""
    town, country = series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr")
    life = Life()
    life.round(town, finding(country, life.now_us + MINUTE, observed=21.0))
    assert named(life) == town
    life.round(finding(country, life.now_us + MINUTE, observed=9.0))
    assert named(life) == town
    life.quiet(10)
    assert named(life) == town


def test_every_silent_counter_is_all_counters() -> None:
    """One town's counter, then all of them: the widest is named, and stays so when one opens again."""
    town, every = (series("", "counter", place, condition="silence") for place in ("fr/75", ""))
    life = Life()
    life.round(finding(town, life.now_us + MINUTE, observed=0.0))
    both = [finding(each, life.now_us + MINUTE, observed=0.0) for each in (town, every)]
    life.round(*both)
    assert named(life) == every
    life.round(finding(town, life.now_us + MINUTE, observed=0.0))
    assert named(life) == every


def test_an_alert_that_comes_back_keeps_its_name_if_that_came_back() -> None:
    """The clicks had named it; both are found again."""
    life = Life()
    life.round(CLICKS)
    life.quiet(10)
    assert life.round(finding(FORM, life.now_us + HOUR, observed=99.0), CLICKS, after_us=HOUR) == ["reopened"]
    assert named(life) == CLICKS


def test_an_alert_that_comes_back_as_something_else_is_named_after_that() -> None:
    """The form stays repaired and calls rise again: to say that the form is broken again would be wrong."""
    life = Life()
    life.round(FORM, CALLS)
    life.quiet(10)
    assert life.round(CALLS, after_us=HOUR) == ["reopened"]
    assert [each.series for each in life.only.findings] == [CALLS]


def test_what_a_person_resolved_keeps_its_name_too() -> None:
    """What merely lasts after it only brings newer figures."""
    life = Life()
    life.round(FORM, CALLS)
    life.keep(resolve(life.only, "Web team", life.now_us))
    life.round(CALLS)
    assert named(life) == FORM
