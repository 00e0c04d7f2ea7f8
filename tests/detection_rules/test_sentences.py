"""The sentence of a point, in French and English."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.detection.sentences import sentence
from shared.detection.settings import RULES

FIGURES: dict[str, float | str] = {
    "gap_s": 183_600,
    "earlier_channel": "web",
    "form_events": 4,
    "saved": 1,
    "errors": 3,
    "span_s": 250,
    "wait_s": 1_503.4,
    "transfers": 2,
    "team": "Instruction",
    "from_team": "Accueil",
    "document": "avis d'imposition",
    "due": "2026-03-12T22:59:00.000000Z",
    "paused_s": 259_200,
    "rating": 1,
}
PARAMETERS: dict[str, dict[str, float | str]] = {
    "form_abandoned": {"saved_window_s": 604_800},
    "error_loop": {"count": 3, "window_s": 1_800},
    "long_wait": {"limit_s": 1_200},
    "queue_abandoned": {"minimum_s": 10},
    "unanswered_message": {"window_s": 432_000},
    "transfer_loop": {"count": 2},
    "low_rating": {"limit": 2},
}
DIMS = {"channel": "phone", "step": "pièces"}

FULL = {
    "repeat_contact": (
        (
            "Nouveau contact par téléphone, 2 jours et 3 heures après un contact précédent en ligne, pour la même démarche et "
            "sans que l’administration l’ait demandé."
        ),
        (
            "A new contact by phone, 2 days and 3 hours after an earlier one online, for the same procedure and without the "
            "administration having asked for it."
        ),
    ),
    "unanswered_retry": (
        "Nouvel essai par téléphone, 2 jours et 3 heures après un contact en ligne qui n’avait pas abouti.",
        "Another attempt by phone, 2 days and 3 hours after a contact online that had come to nothing.",
    ),
    "channel_switch": (
        "Contact par téléphone, 2 jours et 3 heures après un contact ou une étape en ligne : la personne a changé de canal.",
        "A contact by phone, 2 days and 3 hours after an earlier contact or step online: the person changed channel.",
    ),
    "form_abandoned": (
        "Formulaire commencé et non envoyé : 4 actions, un brouillon enregistré, puis plus rien pendant 7 jours.",
        "A form was begun and not sent: 4 actions, a draft saved, then nothing more for 7 days.",
    ),
    "error_loop": (
        "3 erreurs à l’étape « pièces » en 4 minutes et 10 secondes (signalées à partir de 3 en 30 minutes).",
        "3 errors at step “pièces” within 4 minutes and 10 seconds (reported from 3 on, within 30 minutes).",
    ),
    "repeated_click": (
        "Plusieurs clics rapprochés au même endroit, à l’étape « pièces » : la page n’a peut-être pas réagi.",
        "Several clicks in quick succession at one spot, at step “pièces”: the page may not have responded.",
    ),
    "long_wait": (
        "25 minutes et 3 secondes d’attente au téléphone avant la prise en charge (limite : 20 minutes).",
        "A wait of 25 minutes and 3 seconds on the phone before being served (limit: 20 minutes).",
    ),
    "queue_abandoned": (
        (
            "La personne a quitté la file d’attente au téléphone avant d’être prise en charge, après 25 minutes et 3 secondes "
            "(compté à partir de 10 secondes)."
        ),
        (
            "The person left the queue on the phone before being served, after 25 minutes and 3 seconds (counted from 10 "
            "seconds on)."
        ),
    ),
    "turned_away": (
        "L’appel n’a pas pu être pris : service fermé, lignes occupées ou aucun agent disponible.",
        "The call could not be taken: closed, lines busy or no member of staff available.",
    ),
    "unanswered_message": (
        "Message reçu par téléphone et resté sans réponse pendant 5 jours.",
        "A message by phone had no answer for 5 days.",
    ),
    "transfer_loop": (
        "2 transferts au cours d’un même contact par téléphone (signalés à partir de 2).",
        "2 transfers within one contact by phone (reported from 2 on).",
    ),
    "ping_pong": (
        "Le dossier est revenu à l’équipe « Instruction » après être passé par l’équipe « Accueil ».",
        "The case came back to team “Instruction” after having been with team “Accueil”.",
    ),
    "repeated_request": (
        "La pièce « avis d'imposition » a été demandée de nouveau, 2 jours et 3 heures après la demande précédente.",
        "The document “avis d'imposition” was asked for again, 2 days and 3 hours after the request before.",
    ),
    "rework": (
        "L’étape « pièces » du dossier a été refaite, 2 jours et 3 heures après la fois précédente.",
        "The step “pièces” of the case was done again, 2 days and 3 hours after the time before.",
    ),
    "case_reopened": ("Le dossier a été rouvert.", "The case was reopened."),
    "deadline_missed": (
        (
            "Le dossier était encore ouvert après la date annoncée, le 12 mars 2026 à 22 h 59 UTC (sans compter 3 jours "
            "d’attente d’une pièce)."
        ),
        (
            "The case was still open after the date announced, 12 March 2026 at 22:59 UTC (not counting 3 days of waiting for "
            "a document)."
        ),
    ),
    "status_chasing": (
        "Contact par téléphone pour savoir où en est le dossier.",
        "A contact by phone to find out where the case stands.",
    ),
    "low_rating": ("Note de 1 sur 5 (défavorable jusqu’à 2).", "A rating of 1 out of 5 (low up to 2)."),
}


def plain(text: str) -> str:
    """The text with ordinary spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("rule", RULES)
def test_a_sentence_says_why_from_the_figures(rule: str) -> None:
    """With all figures known, each rule says them in plain words; numbers may come as texts, as from a store."""
    french, english = FULL[rule]
    parameters = PARAMETERS.get(rule, {})
    as_text: dict[str, float | str] = {name: str(value) for name, value in FIGURES.items()}
    for figures in (FIGURES, as_text):
        assert plain(sentence(rule, "fr", figures, parameters, DIMS)) == french
        assert plain(sentence(rule, "en", figures, parameters, DIMS)) == english
    parameters = {name: str(value) for name, value in parameters.items()}
    assert plain(sentence(rule, "fr", FIGURES, parameters, DIMS)) == french


def test_a_request_to_be_called_back_is_no_message() -> None:
    """An unanswered callback request is said as such: it has a window of its own."""
    said = sentence("unanswered_message", "fr", {}, {"callback_window_s": 172_800}, {"channel": "phone"})
    assert plain(said) == "Demande de rappel restée sans suite pendant 2 jours."


def test_a_form_without_a_draft() -> None:
    """One action is said in the singular, and no draft where none was saved."""
    said = sentence("form_abandoned", "fr", {"form_events": "1", "saved": "0"}, {"window_s": 86_400}, {})
    assert plain(said) == "Formulaire commencé et non envoyé : 1 action, puis plus rien pendant 1 jour."


def test_no_pause_is_not_told() -> None:
    """A deadline without a pause says nothing of waiting."""
    said = sentence("deadline_missed", "en", {"paused_s": 0, "due": "2026-03-12T22:59:00Z"}, {}, {})
    assert plain(said) == "The case was still open after the date announced, 12 March 2026 at 22:59 UTC."


def test_names_are_taken_as_they_are() -> None:
    """Brackets, braces and bars in a name given by a source are part of the name."""
    said = sentence("repeated_request", "en", {"document": "[{gap}|x] {y}"}, {}, {})
    assert said == "The document “[{gap}|x] {y}” was asked for again."


def test_an_unknown_rule_is_an_error() -> None:
    """A rule that is none has no sentence."""
    with pytest.raises(KeyError):
        sentence("no_such_rule", "fr", {}, {}, {})


TEXT_NAMES = ["earlier_channel", "team", "from_team", "document", "due"]
NUMBER_NAMES = [
    *(name for name in FIGURES if name not in TEXT_NAMES),
    *("window_s", "saved_window_s", "callback_window_s", "limit_s", "minimum_s", "count", "limit"),
]
NUMBERS = st.floats() | st.integers(0, 10**9) | st.sampled_from(["", "3", "1.5", "nan", "-1", "x"])
WRITTEN = st.text("aé'1", max_size=6)
NUMBER_TABLES = st.dictionaries(st.sampled_from(NUMBER_NAMES), NUMBERS)
DIM_TABLES = st.dictionaries(st.sampled_from(["channel", "step", "other"]), WRITTEN | st.just("phone"))


@settings(max_examples=500)
@given(
    st.sampled_from(RULES),
    st.sampled_from(["fr", "en"]),
    NUMBER_TABLES,
    st.dictionaries(st.sampled_from(TEXT_NAMES), WRITTEN),
    NUMBER_TABLES,
    DIM_TABLES,
)
def test_any_figures_give_a_whole_sentence(
    rule: str,
    lang: str,
    numbers: dict[str, float | str],
    names: dict[str, str],
    parameters: dict[str, float | str],
    dims: dict[str, str],
) -> None:
    """Whatever is known, missing or no number, the sentence is whole: a capital, a full stop, nothing left to fill in."""
    said = sentence(rule, lang, {**numbers, **names}, parameters, dims)
    assert re.fullmatch(r"[A-Z0-9].*\.", said)
    assert not re.search(r"[\[\]{}|]|  | ,| \.|\(\)|nan|inf\b|-1", said)
    if lang == "fr":
        assert not re.search(r" [:;!?»]|« ", said)


def test_without_figures_a_sentence_still_says_the_rule() -> None:
    """Every rule has a sentence of its own in each language when nothing is known."""
    for lang in ("fr", "en"):
        said = [sentence(rule, lang, {}, {}, {}) for rule in RULES]
        assert len(set(said)) == len(RULES)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_duration_in_words_that_comes_first_begins_the_sentence(lang: str) -> None:
    """With a capital, as in French, where a wait of less than a second does."""
    said = {rule: sentence(rule, lang, {"wait_s": 0.2}, {}, {}) for rule in RULES}
    assert [rule for rule, each in said.items() if each[0].islower()] == []
    if lang == "fr":
        assert said["long_wait"].startswith("Moins d’une seconde")
