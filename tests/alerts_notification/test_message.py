"""What is sent of a transition: all its fields, in both languages, without small counts."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
from msgspec import structs
from starlette.datastructures import QueryParams

import services.alerts.notification.message as module
from services.alerts.notification.comparison import compared
from services.alerts.notification.message import decode, encode, idempotency_key, is_active, message_of
from services.alerts.notification.settings import STEPS, Route
from services.alerts.notification.telling import told, trial_message, why_of
from services.insights.filters import read_filters
from services.wiring.alert_desk import sheet_of
from shared.alerts.finding import CONDITIONS, Series
from shared.detection.declarations.declaration import Words
from shared.detection.settings import RULES
from tests.alerts_notification.samples import (
    FORM,
    HOUR_US,
    NOW_US,
    PARIS,
    WHY,
    alert,
    finding,
    message,
    settings,
    transition,
)

SCHEMA = json.loads(Path(module.__file__).with_name("message.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def valid(content: bytes) -> dict[str, Any]:
    """The JSON, which must be as the schema says."""
    value: dict[str, Any] = json.loads(content)
    VALIDATOR.validate(value)
    return value


def test_the_schema_is_one() -> None:
    """The shipped schema is a valid schema, and names every field of a message and no other."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    fields = set(module.Message.__struct_fields__)
    assert set(SCHEMA["properties"]) == fields
    assert set(SCHEMA["required"]) == fields
    assert tuple(SCHEMA["properties"]["step"]["enum"]) == STEPS


def test_a_message_says_what_where_since_when_how_many_compared_with_what_and_why() -> None:
    """Every field that a person needs is there, in both languages, and the schema accepts it."""
    value = valid(
        encode(message(service_names={"housing-benefit": Words(fr="aide au logement", en="housing benefit")}))
    )
    assert value["what"]["cause"] == "form_abandoned"
    assert value["what"]["title"]["en"].startswith("Rise: ")
    assert value["where"]["text"] == {
        "fr": "«\u00a0aide au logement\u00a0», en ligne, fr/idf/75",
        "en": "“housing benefit”, online, fr/idf/75",
    }
    assert value["since"] == "2026-11-23T08:45:00.000000Z"
    assert value["citizens"] == {"count": 38, "withheld": False, "minimum": 10}
    assert (
        value["compared"]["text"]["en"]
        == "Difficulties noted in 15\u00a0minutes: 40, against 10 expected from past weeks."
    )
    assert value["compared"]["text"]["fr"].startswith("Difficultés relevées en 15")
    assert value["why"] == {"fr": WHY.fr, "en": WHY.en}
    assert value["links"]["alert"] == "https://parcours.example/alerts/a1"
    assert value["links"]["playbook"]["fr"] == "https://parcours.example/alerts/playbooks/form_abandoned?lang=fr"
    assert value["subject"]["en"].startswith("Alert (warning): Rise: ")
    assert "aide au logement" in value["citizen_text"]["fr"]
    assert value["citizen_text"]["announce"] is True
    assert decode(encode(message())) == message()


def test_the_evidence_link_is_a_question_that_insights_takes() -> None:
    """Its parameters are filters of the pages, and say rule, service, channel, territory and period of the alert."""
    link = message().links.evidence or ""
    filters = read_filters(QueryParams(urlsplit(link).query))
    assert urlsplit(link).path == "/points"
    assert (filters.rule, filters.service, filters.channel, filters.territory) == (
        "form_abandoned",
        "housing-benefit",
        "web",
        "fr/idf/75",
    )
    assert (filters.from_us, filters.to_us) == (NOW_US - HOUR_US // 4, NOW_US)
    assert parse_qs(urlsplit(link).query).keys() == {"rule", "service", "channel", "territory", "from", "to"}


def test_without_an_address_of_the_pages_there_are_no_links() -> None:
    """A site that sets no `pages_url` gets messages without links rather than links that lead nowhere."""
    value = valid(encode(message(pages_url="")))
    assert set(value["links"].values()) == {None}


@pytest.mark.parametrize("cause", [*RULES, *CONDITIONS])
@pytest.mark.parametrize("step", STEPS)
def test_every_cause_and_step_has_a_message(cause: str, step: Any) -> None:
    """Whatever rule or condition it is about and whatever happened, the message is complete."""
    series = Series("rise", rule=cause, channel="phone") if cause in RULES else Series(cause, name="thing")  # type: ignore[arg-type]
    over = {"state": "resolved", "resolved_us": NOW_US, "ending": "ended"} if step == "resolved" else {}
    value = valid(encode(message(alert(finding(series), **over), transition(step))))
    assert value["what"]["cause"] == cause
    texts = (*value["subject"].values(), value["citizen_text"]["fr"], value["citizen_text"]["en"])
    assert [text for text in texts if "{" in text] == []


@pytest.mark.parametrize(
    ("citizens", "observed", "shown"),
    [(9, 12.0, False), (None, 9.0, False), (10, 10.0, True), (None, 0.0, True), (0, 0.0, True), (1, 40.0, False)],
)
def test_small_counts_are_withheld(citizens: int | None, observed: float, shown: bool) -> None:
    """Neither the citizens, nor what was counted, nor what it is compared with is told of fewer than the minimum."""
    value = valid(encode(message(alert(finding(citizens=citizens, observed=observed)))))
    assert value["compared"]["withheld"] is not shown
    assert (value["compared"]["observed"] is None) is not shown
    assert value["citizens"]["withheld"] is (citizens is not None and 0 < citizens < 10)
    if not shown:
        assert value["compared"]["expected"] is None
        assert value["compared"]["text"]["en"].startswith("Fewer than 10 people")
        assert value["citizens"]["count"] is None


def test_citizens_of_overlapping_series_are_not_added() -> None:
    """An alert of several series tells the largest count, and all channels, each once."""
    phone = finding(Series("rise", rule="long_wait", service="housing-benefit", channel="phone"), citizens=50)
    value = valid(encode(message(alert(finding(), phone, finding(citizens=7)))))
    assert value["citizens"]["count"] == 50
    assert value["where"]["channels"] == ["web", "phone"]


def test_an_alert_without_findings_can_still_be_told_of() -> None:
    """The end of an alert whose series have nothing any more is a message too."""
    over = alert(state="resolved", resolved_us=NOW_US, ending="corrected")
    value = valid(encode(message(structs.replace(over, findings=()))))
    assert value["compared"] is None
    assert value["citizen_text"]["announce"] is False


def test_no_name_of_a_person_is_sent() -> None:
    """Who acknowledged, was assigned or wrote what stays on the alert's page."""
    about = alert(state="acknowledged", acknowledged_by="Camille", assigned_to="Dominique")
    content = encode(message(about, transition("acknowledged", by="Camille", text="j'appelle l'hébergeur")))
    assert b"Camille" not in content
    assert b"Dominique" not in content
    assert "hébergeur".encode() not in content


def test_the_key_is_the_same_at_each_try_and_stands_in_any_header() -> None:
    """It tells transitions apart, and an identity with other letters becomes one without."""
    assert message().key == message().key == "a1-1"
    assert idempotency_key("a1", 2) == "a1-2"
    strange = idempotency_key("a\r\nX: é", 3)
    assert strange.isascii()
    assert strange.replace("-", "").isalnum()
    assert strange != idempotency_key("b\r\nX: é", 3)


def test_what_is_active() -> None:
    """An alert that is resolved or kept quiet is not active."""
    assert is_active(message())
    assert not is_active(message(alert(suppressed_by="silence-1"), transition("suppressed")))
    assert not is_active(message(alert(state="resolved", resolved_us=NOW_US), transition("resolved")))


def test_told_makes_one_message_for_each_receiver() -> None:
    """The same content goes to each receiver, with the instant from which it may be sent; nothing is made for nobody."""
    chosen = settings(otherwise=("day", "night"))
    found = told(chosen, alert(), transition(), 10)
    assert [(each.receiver, each.due_us) for each in found] == [("day", NOW_US), ("night", NOW_US)]
    assert {valid(each.content)["due"] for each in found} == {"2026-11-23T09:00:00.000000Z"}
    waits = Route(receivers=("night",), zone=PARIS, from_min=12 * 60)
    (later,) = told(settings(waits), alert(), transition(), 10)
    assert (valid(later.content)["at"], valid(later.content)["due"]) == (
        "2026-11-23T09:00:00.000000Z",
        "2026-11-23T11:00:00.000000Z",
    )
    assert told(chosen, alert(suppressed_by="x"), transition(), 10) == []
    assert decode(found[0].content).why == why_of(alert(), chosen, 10)


def test_the_reason_is_a_sentence_about_the_series_that_names_the_cause() -> None:
    """In both languages; title and place stand beside it and are not said again; still one when the figures are gone."""
    names = {"housing-benefit": Words(fr="aide au logement", en="housing benefit")}
    chosen = settings(service_names=names)
    shown = alert(finding(), finding(Series("lag", name="x")))
    why = why_of(shown, chosen, 10)
    assert why.fr.startswith("40 difficultés relevées")
    assert why.en.startswith("40 difficulties noted")
    message = message_of(shown, transition(), why, settings=chosen, small_cell_min=10)
    assert "aide au logement" in message.subject.fr
    assert "aide au logement" not in why.fr
    assert "housing benefit" not in why.en
    few = why_of(alert(finding(citizens=7, observed=8.0, expected=1.0)), settings(), 10)
    assert not {"7", "8"} & set(few.en.split())
    assert "no longer there" in why_of(structs.replace(alert(), findings=()), settings(), 10).en


@pytest.mark.parametrize(("behind_min", "over"), [(15, False), (16, True), (120, True)])
def test_a_reason_that_is_not_found_any_more_says_so(behind_min: int, over: bool) -> None:
    """The form that names the alert is repaired, its calls go on: the figures are those of then. Windows may end a quarter hour apart."""
    form, calls = finding(FORM), finding(structs.replace(FORM, rule="repeat_contact", channel="phone"))
    calls = structs.replace(calls, to_us=form.to_us + behind_min * 60_000_000)
    why = why_of(alert(form, calls), settings(), 10)
    assert ("Plus rien de tel n’est relevé depuis" in why.fr) is over
    assert ("Nothing like it has been found since" in why.en) is over
    ended = why_of(structs.replace(alert(form, calls), state="resolved"), settings(), 10)
    assert "Nothing like it" not in ended.en


def test_citizens_are_told_of_what_they_meet_now() -> None:
    """While the form fails, of the form; once only its calls last, of many questions; the title stays that of the form."""
    form, calls = finding(FORM), finding(structs.replace(FORM, rule="repeat_contact", channel="phone"))
    later = structs.replace(calls, to_us=calls.to_us + HOUR_US)
    for follows, words in ((calls, "online form"), (later, "many questions")):
        shown = alert(form, follows)
        made = message_of(shown, transition(), WHY, settings=settings(), small_cell_min=10)
        assert words in made.citizen_text.en
        assert words in sheet_of(shown, settings(), 10).citizen_text.en
        assert made.what.rule == FORM.rule


def test_a_trial_is_plainly_one() -> None:
    """It is marked, its subject says that there is no alert, it is over at once and announces nothing."""
    trial = trial_message(settings(), NOW_US, 10)
    value = valid(encode(trial))
    assert value["test"] is True
    assert not is_active(trial)
    assert "no alert" in value["subject"]["en"]
    assert "aucune alerte" in value["subject"]["fr"]
    assert value["citizen_text"]["announce"] is False


def test_figures_of_each_condition_are_in_plain_words() -> None:
    """A share is a percentage, a lag a duration; what is expected is left out where nothing is."""

    def text(series: Series, observed: float, expected: float | None) -> tuple[str, str]:
        found = finding(series, observed=observed, expected=expected, citizens=None)
        told = message(alert(found)).compared
        assert told is not None
        return told.text.fr.replace("\u00a0", " ").replace("\u202f", " "), told.text.en.replace("\u00a0", " ")

    assert text(Series("service_level", name="x"), 0.814, 0.9) == (
        "81,4 % en 15 minutes, pour un objectif de 90 %.",
        "81.4% in 15 minutes, for a target of 90%.",
    )
    assert text(Series("lag", name="x"), 125, None)[1] == "Behind the events received by 2 minutes and 5 seconds."
    assert text(Series("silence", channel="web"), 0, 31.26) == (
        "Événements reçus en 15 minutes : 0, contre 31,3 attendus.",
        "Events received in 15 minutes: 0, against 31.3 expected.",
    )
    assert text(Series("lag", name="x"), 125, 60)[1].endswith("2 minutes and 5 seconds (accepted: 1 minute).")
    assert (
        text(Series("threshold", rule=FORM.rule), 40, 30)[1]
        == "People affected in 15 minutes: 40, for a threshold of 30."
    )
    assert text(Series("threshold", rule=FORM.rule), 40, None)[1] == "People affected in 15 minutes: 40."
    assert text(Series("rejects", name="/phone"), 4, 1.0)[1] == "Events refused in 15 minutes: 4, against 1 expected."
    assert text(Series("service_level", name="x"), 0.5, None)[1] == "50% in 15 minutes, below the target."
    assert (
        text(FORM, 40, None)[1] == "Difficulties noted in 15 minutes: 40, against hardly any expected from past weeks."
    )
    assert (
        text(FORM, 40, 3.2)[1] == "Difficulties noted in 15 minutes: 40, against hardly any expected from past weeks."
    )
    assert text(FORM, 40, 3.4)[1] == "Difficulties noted in 15 minutes: 40, against 3.4 expected from past weeks."


@pytest.mark.parametrize(
    ("kept", "total", "withheld"),
    [(0, 30, False), (1, 30, True), (9, 30, True), (10, 30, False), (25, 30, False), (4, 12, False)],
)
def test_a_share_does_not_tell_how_few_were_kept(kept: int, total: int, withheld: bool) -> None:
    """The sentence tells of how many in all unless few were missed: then the share is withheld where few were kept."""
    found = compared(
        finding(Series("service_level", name="x"), observed=kept / total, expected=0.8, citizens=total - kept), 10
    )
    assert found.withheld is withheld
    assert (found.observed is None) is withheld
    assert ("Fewer than 10 kept" in found.text.en) is withheld
    assert ("Moins de 10 tenus" in found.text.fr) is withheld
