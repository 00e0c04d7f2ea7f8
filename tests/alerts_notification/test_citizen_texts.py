"""What is proposed to be told to citizens: complete, short, in plain and neutral words."""

import re
from pathlib import Path

import pytest

from services.alerts.notification.citizen_texts import MAX_CHARS, NOT_FOR_CITIZENS, OF_LEVELS, OVER, TEXTS, citizen_text
from services.alerts.notification.titles import CAUSES
from services.wiring.alert_settings import site_alerts, site_notification
from shared.alerts.finding import Series
from shared.detection.declarations.declaration import Words
from tests.alerts_notification.samples import NOW_US, alert, finding

LONG_NAME = Words(fr="renouvellement d'une carte de stationnement", en="renewal of a resident's parking permit")
BLAME = re.compile(
    r"\b(faute|erreur|coupable|responsables?|agents?|employés?|fraude|mal rempli|oublié|fault|error|blame|mistake|staff|"
    r"employees?|fraud|forgot|failed|wrong|garanti\w*|promet\w*|promess\w*|guarantee\w*|promise\w*)\b",
    re.IGNORECASE,
)


def test_every_cause_has_a_text() -> None:
    """Each rule and condition has one for any channel."""
    assert {cause for cause, channel in TEXTS if channel == ""} == set(CAUSES)


@pytest.mark.parametrize("words", [*TEXTS.values(), *OF_LEVELS.values(), OVER])
def test_texts_are_short_and_neutral(words: Words) -> None:
    """They can be heard at the beginning of a call, blame nobody, promise nothing, and stand without a service's name too."""
    for text, name in ((words.fr, f" pour « {LONG_NAME.fr} »"), (words.en, f" for “{LONG_NAME.en}”")):
        assert len(text.replace("{service}", name)) <= MAX_CHARS, text
        assert BLAME.search(text) is None
        assert text.count("{service}") == 1
        assert text.rstrip()[-1] in ".!?"


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("channel", ["", "web", "phone", "counter", "email"])
def test_a_text_sends_nobody_to_another_channel(cause: str, channel: str) -> None:
    """A text names the channel it is about, never another, which may be full too."""
    said = citizen_text(alert(), series_of(cause, channel), None)
    others = {"web": "online|en ligne", "phone": "phone|téléphone|calls|appels", "counter": "counter|guichet"}
    allowed = {"turned_away": "phone", "form_abandoned": "web", "error_loop": "web", "repeated_click": "web"}.get(
        cause, channel
    )
    for name, pattern in others.items():
        if name != allowed:
            assert not re.search(pattern, f"{said.fr} {said.en}"), (said, name)


def test_a_service_level_says_what_its_kind_counts(tmp_path: Path) -> None:
    """Calls that were answered late did get through; dates that were not kept are no calls."""
    told = {}
    for kind in ("answered_in_time", "answered_by_person", "due_kept"):
        within = "within_s = 300" if kind == "answered_in_time" else ""
        text = f'[[service_level]]\nname = "n"\nkind = "{kind}"\nchannel = "phone"\nat_least = 0.8\n{within}'
        (file := tmp_path / "alerts.toml").write_text(text)
        series = Series("service_level", channel="phone", name="n")
        known = site_notification(site_alerts(file), file)
        told[kind] = citizen_text(alert(), series, None, known.level_of(series)).en
        assert known.level_of(Series("threshold", name="n")) is None
    assert told["answered_in_time"].startswith("Waiting times on the phone are longer than announced")
    assert "some do not get through" in told["answered_by_person"]
    assert told["due_kept"].startswith("Some dates that were announced are not being kept")
    gone = citizen_text(alert(), Series("service_level", channel="phone", name="gone"), None)
    assert gone.en == told["answered_by_person"]


def series_of(cause: str, channel: str) -> Series:
    """A series of a rule or a condition."""
    is_condition = cause in {"rise", "threshold", "service_level", "silence", "rejects", "lag"}
    return Series(cause, channel=channel) if is_condition else Series("rise", rule=cause, channel=channel)  # type: ignore[arg-type]


def test_what_is_announced() -> None:
    """Only what citizens meet, while it lasts, is not kept quiet and is more than information."""
    phone = Series("rise", rule="long_wait", channel="phone")
    assert citizen_text(alert(), phone, None).announce
    assert not citizen_text(alert(severity="information"), phone, None).announce
    assert not citizen_text(alert(suppressed_by="silence-1"), phone, None).announce
    over = citizen_text(alert(finding(phone), state="resolved", resolved_us=NOW_US), phone, LONG_NAME)
    assert not over.announce
    assert (
        over.en
        == "The difficulties reported for “renewal of a resident’s parking permit” are over. Thank you for your patience."
    )
    for cause in NOT_FOR_CITIZENS:
        assert not citizen_text(alert(severity="critical"), series_of(cause, ""), None).announce
