"""Silences: what they mean, when they hold, and what they would hide before they are set."""

import pytest
from msgspec import structs

from services.alerts.silences import Matcher, Silence, hidden_by, preview
from tests.alerts_lifecycle.build import DAY, HOUR, MINUTE, Life, series


@pytest.mark.parametrize(
    ("matcher", "means"),
    [
        (Matcher(), True),
        (Matcher(service="housing", channel="web", rule="error_loop", condition="rise", territory="fr/75"), True),
        (Matcher(territory="fr"), True),
        (Matcher(territory="fr/7"), False),
        (Matcher(territory="fr/75/1"), False),
        (Matcher(channel="phone"), False),
        (Matcher(rule="rework"), False),
        (Matcher(condition="silence"), False),
        (Matcher(service="taxes"), False),
    ],
)
def test_a_matcher_means_what_it_names(matcher: Matcher, means: bool) -> None:
    """An empty part is any, a territory has all below it, and only whole names count."""
    assert matcher.matches(series("error_loop", "web", "fr/75")) is means


def test_a_series_of_every_channel_is_more_than_one_channel() -> None:
    """A silence of the web does not mean the sum of all channels."""
    assert not Matcher(channel="web").matches(series("error_loop", ""))
    assert not Matcher(territory="fr").matches(series("error_loop", "web"))


def test_several_silences_hide_together_what_none_hides_alone() -> None:
    """Web and telephone are silenced by two: an alert in both is hidden by them, one more channel is not."""
    life = Life()
    life.round(series(), series("repeat_contact", "phone"))
    web = Silence(id="w", matcher=Matcher(channel="web"), from_us=0, until_us=2**62)
    phone = Silence(id="p", matcher=Matcher(channel="phone"), from_us=0, until_us=2**62)
    assert [hidden_by(life.only, each) for each in ([web], [phone], [])] == [None, None, None]
    assert hidden_by(life.only, [phone, web]) is web


def test_a_silence_holds_from_its_beginning_until_before_its_end() -> None:
    """To the microsecond."""
    silence = Silence(id="s", matcher=Matcher(), from_us=10, until_us=20)
    assert [silence.holds_at(now_us) for now_us in (9, 10, 19, 20)] == [False, True, True, False]


def test_a_preview_shows_what_a_silence_would_hide() -> None:
    """Of what is open and of the last 7 days, whatever its own times are; what is older or only partly meant is not shown."""
    life = Life()
    for number, service in enumerate(("old", "week", "taxes", "open")):
        life.round(series(service=service), after_us=MINUTE)
        if service != "open":
            life.quiet(12)
        life.now_us += (DAY, 6 * DAY, HOUR, 0)[number]
    silence = Silence(
        id="", matcher=Matcher(rule="error_loop"), from_us=life.now_us + DAY, until_us=life.now_us + 2 * DAY
    )
    found = preview(silence, list(life.alerts.values()), life.now_us)
    assert [alert.findings[0].series.service for alert in found.open] == ["open"]
    assert {alert.findings[0].series.service for alert in found.past} == {"week", "taxes"}
    other = structs.replace(silence, matcher=Matcher(service="taxes"))
    assert preview(other, list(life.alerts.values()), life.now_us).open == ()
