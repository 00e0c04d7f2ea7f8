"""One cause, one alert: what belongs together, which place is named, and that no order of the input matters."""

import random

import pytest

from services.alerts.grouping import cause_key, gather
from services.alerts.policy import Policy
from shared.alerts.finding import Series
from tests.alerts_lifecycle.build import HOUR, MINUTE, T0, Life, finding, series

WEB = series()
PHONE = {"channel": "phone"}


def causes(*found: Series) -> list[set[Series]]:
    """The series of each cause, of findings that begin together."""
    gathered = gather([finding(each) for each in found], [], T0, Policy())
    return [{each.series for each in group} for group in gathered.fresh]


def test_a_broken_form_is_one_alert_with_the_channels_it_spilled_into() -> None:
    """Errors on the web, and what follows on phone and counter, in one territory or all: one alert, named by the form."""
    life = Life()
    assert life.round(WEB, series("form_abandoned")) == ["fired"]
    spilled = [
        series("repeat_contact", "phone"),
        series("channel_switch", "counter", "fr/idf/75"),
        series("long_wait", "phone", "fr/idf"),
        series("turned_away", "phone"),
        series("queue_abandoned", "counter", "fr/bre"),
    ]
    assert life.round(WEB, series("form_abandoned"), *spilled) == ["spread"]
    assert life.only.findings[0].series == WEB
    assert {each.series.channel for each in life.only.findings} == {"web", "phone", "counter"}
    assert life.history[-1].transition.text.count("housing") == 3


def test_consequences_join_hours_later_and_siblings_do_not() -> None:
    """While it lasts, what can follow joins at any time; the same trouble elsewhere is another cause by then."""
    paris, brest = series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr/29")
    life = Life()
    life.round(paris)
    for _ in range(5):
        life.round(paris, after_us=HOUR)
    assert life.round(paris, series("long_wait", "phone", "fr/75")) == ["spread"]
    assert life.round(paris, brest) == ["fired"]
    assert [alert.findings[0].series for alert in life.open] == [paris, brest]


def test_siblings_that_begin_together_are_one_cause() -> None:
    """The same trouble in two territories within the join window is one alert; it spread."""
    life = Life()
    life.round(series("error_loop", "web", "fr/75"))
    assert life.round(series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr/29")) == ["spread"]


def test_a_cause_that_is_found_after_its_consequence_names_the_alert() -> None:
    """Calls rise first, the form's errors are found ten minutes later: the same alert, now named by the form."""
    life = Life()
    life.round(series("repeat_contact", "phone"))
    key = life.only.key
    life.round(series("repeat_contact", "phone"), WEB, after_us=10 * MINUTE)
    assert (life.only.findings[0].series, life.only.key) == (WEB, key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (WEB, series(service="taxes")),
        (series("long_wait", "phone"), series("long_wait", "counter")),
        (series("long_wait", "phone"), series("", "counter", "fr/75", condition="silence")),
        (series("turned_away", "phone"), series("form_abandoned", "web")),
        (series("", "", condition="rejects", name="/a", service=""), series("", "", condition="lag", service="")),
        (series("", "", condition="rejects", name="/a", service=""), series("", "", condition="rejects", name="/b", service="")),
        (WEB, series("", "web", condition="silence", service="taxes")),
        (series("error_loop", "web", "fr/75"), series("long_wait", "phone", "fr/29")),
        (series("", "", condition="threshold", name="a"), series("", "", condition="threshold", name="b")),
    ],
)  # fmt: skip
def test_what_has_nothing_to_do_with_each_other_stays_apart(one: Series, other: Series) -> None:
    """Another service, another place, another channel's capacity, another source: two causes, except a form that floods phones."""
    together = one.rule == "turned_away"  # which follows from the form
    assert len(causes(one, other)) == (1 if together else 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (series("repeat_contact", "phone"), series("repeat_contact", "counter")),
        (WEB, series(condition="threshold", name="errors")),
        (series("", "phone", condition="silence"), series("", "counter", condition="silence")),
        (series("", "phone", condition="silence"), series("", "phone", condition="silence", service="taxes")),
        (series("", "web", condition="silence"), series("long_wait", "phone")),
        (series("", "phone", condition="service_level", name="answered"), series("turned_away", "phone")),
        (series("", "", condition="lag", name="a", service=""), series("", "", condition="lag", name="b", service="")),
        (series("deadline_missed", ""), series("status_chasing", "phone")),
    ],
)
def test_what_can_come_from_one_cause_is_one_alert(one: Series, other: Series) -> None:
    """Two signs of one cause that begin together are one alert."""
    assert len(causes(one, other)) == 1


def test_the_most_specific_place_that_explains_the_excess_is_named() -> None:
    """18 more errors in one town of 20 more in the country: the town is named, and no place above it appears."""
    life = Life()
    levels = ["", "fr", "fr/idf", "fr/idf/75"]
    found = [finding(series("error_loop", "web", place), T0, observed=22.0) for place in levels[:3]]
    found += [finding(series("error_loop", "", place), T0, observed=23.0) for place in levels[:3]]
    town = finding(series("error_loop", "web", "fr/idf/75"), T0, observed=20.0)
    life.at([*found, town])
    assert [each.series for each in life.only.findings] == [town.series]


def test_the_name_moves_to_the_place_that_explains() -> None:
    """The country was found first; now nearly all of its excess is one town's: the town names the same alert."""
    country, town = series("error_loop", "web", "fr"), series("error_loop", "web", "fr/75")
    life = Life()
    life.round(country)
    assert life.round(finding(country, life.now_us + MINUTE, observed=22.0), town) == []
    assert [each.series for each in life.only.findings] == [town, country]


def test_a_place_that_no_part_explains_is_named_itself() -> None:
    """Half of the excess lies in one town, the rest everywhere: the country is named, the town stands below."""
    country = finding(series("error_loop", "web", "fr"), T0, observed=42.0)
    town = finding(series("error_loop", "web", "fr/75"), T0, observed=22.0)
    life = Life()
    life.at([town, country])
    assert [each.series for each in life.only.findings] == [country.series, town.series]


def test_a_sum_of_two_causes_is_no_third_one() -> None:
    """Two towns broke at different times; the country's excess is the sum of theirs and adds nothing."""
    one, other = series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr/29")
    life = Life()
    life.round(one)
    life.round(one, after_us=2 * HOUR)
    both = finding(series("error_loop", "web", "fr"), life.now_us + MINUTE, observed=38.0)
    assert life.round(one, other, both) == ["fired"]
    assert [[each.series for each in alert.findings] for alert in life.open] == [[one], [other]]


def test_a_widening_is_told_once() -> None:
    """When the country rises beyond what the named town explains, the alert has spread; afterwards it only lasts."""
    town, country = series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr")
    life = Life()
    life.round(town)
    for number in range(4):
        wide = finding(country, life.now_us + MINUTE, observed=60.0 if number % 2 == 0 else 20.0)
        assert life.round(town, wide) == (["spread"] if number == 0 else [])


def test_a_silence_is_named_by_its_widest_place() -> None:
    """When every counter is silent, all counters are; nothing adds up there."""
    places = ["", "fr", "fr/75", "fr/29"]
    found = [series("", "counter", place, condition="silence") for place in places]
    life = Life()
    life.at([finding(each, observed=0.0, expected=30.0) for each in found])
    assert life.only.findings[0].series == found[0]


def test_a_share_is_named_where_its_citizens_are() -> None:
    """Of 100 calls that nobody answered in time 90 are of one town: it is named. Without their number the country is."""
    country, town = (series("", "phone", place, condition="service_level") for place in ("fr", "fr/75"))
    for citizens, named in (((100, 90), town), ((None, None), country)):
        life = Life()
        found = [
            finding(each, observed=0.4, citizens=count) for each, count in zip((country, town), citizens, strict=True)
        ]
        life.at(found)
        assert life.only.findings[0].series == named


def test_the_order_of_findings_and_alerts_does_not_matter() -> None:
    """Whatever the order of the input, the same alerts with the same ids and findings come out."""
    chance = random.Random(7)
    rules = ("error_loop", "repeat_contact", "long_wait", "low_rating", "deadline_missed", "unanswered_retry")
    places = ("", "fr", "fr/75", "fr/29", "fr/75/1")
    for _ in range(30):
        kinds = [
            series(chance.choice(rules), chance.choice(("web", "phone", "")), chance.choice(places), service=chance.choice("ab"))
            for _ in range(25)
        ]  # fmt: skip
        found = [finding(each, observed=chance.randint(5, 60)) for each in dict.fromkeys(kinds)]
        ends = []
        for _ in range(4):
            chance.shuffle(found)
            life = Life()
            life.at(found[:])
            first = list(life.alerts.values())
            chance.shuffle(first)
            life.alerts = {alert.id: alert for alert in first}
            assert life.at(found[::-1]) == []
            ends.append({alert.id: alert for alert in life.alerts.values()})
        assert all(end == ends[0] for end in ends)


def test_the_key_of_a_cause_never_changes() -> None:
    """It depends on what is watched only: alerts of earlier versions are still found."""
    assert cause_key(series("error_loop", "web", "fr/75")) == cause_key(series("error_loop", "web", "fr/75"))
    assert cause_key(series("error_loop", "web", "fr/75")) == "7cb49edecaf22551"
    assert cause_key(WEB) != cause_key(series("error_loop", "", "web"))


def test_thousands_of_findings_of_one_outage_are_one_alert() -> None:
    """A broken form in every commune is one message, of at most 50 places."""
    found = [series("error_loop", "web", f"fr/{number % 100}/{number}") for number in range(5_000)]
    life = Life()
    assert life.round(*found) == ["fired"]
    assert life.round(*found) == []
    assert len(life.only.findings) == 50


def test_what_begins_beside_an_alert_that_is_over_is_new() -> None:
    """The town's form was no fault after all; five minutes later another town's breaks: that is another alert."""
    paris, brest = series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr/29")
    life = Life()
    life.round(paris)
    assert life.round(corrected=[paris]) == ["resolved"]
    assert life.round(brest, after_us=5 * MINUTE) == ["fired"]


def test_an_alert_whose_cause_is_open_again_stays_over() -> None:
    """Founded on Paris, it had Brest too; Paris is open in a later alert when a clock is put back and Brest is found."""
    paris, brest = series("error_loop", "web", "fr/75"), series("error_loop", "web", "fr/29")
    life = Life()
    life.at([finding(paris, observed=40.0), finding(brest)])
    first = life.only.id
    life.quiet(12)
    assert life.round(paris, after_us=5 * HOUR) == ["fired"]
    assert life.round(paris, brest, after_us=-4 * HOUR) == ["fired"]
    assert life.alerts[first].state == "resolved"
    assert len({alert.key for alert in life.open}) == 2


def test_of_two_causes_the_narrower_is_the_cause() -> None:
    """Deadlines are missed everywhere, a form is broken in Paris: calls that rise in Paris belong to the form."""
    late, broken = series("deadline_missed", ""), series("error_loop", "web", "fr/75")
    life = Life()
    life.round(late)
    assert life.round(late, broken) == ["fired"]
    assert life.round(late, broken, series("repeat_contact", "phone", "fr/75")) == ["spread"]
    assert [len(alert.findings) for alert in life.open] == [1, 2]


def test_what_joins_draws_others_after_it() -> None:
    """Waits on the telephone, then second contacts and waits at the counter that follow from those: one round, one alert."""
    flooded = series("long_wait", "phone")
    life = Life()
    life.round(flooded)
    assert life.round(flooded, series("long_wait", "counter"), series("repeat_contact", "phone")) == ["spread"]
    assert len(life.only.findings) == 3


def test_parts_that_overlap_are_not_added_up() -> None:
    """Half of the excess is of the web, half of one region, perhaps the same half: the whole is named."""
    whole = finding(series("error_loop", ""), observed=22.0)
    parts = [finding(each, observed=12.0) for each in (series(), series("error_loop", "", "fr/idf"))]
    life = Life()
    life.at([*parts, whole])
    assert life.only.findings[0] == whole
