"""The register of algorithms and the declarations it is made from."""

import re
from pathlib import Path

import msgspec
import pytest

from shared.detection.declarations.declaration import Words
from shared.detection.register import DECLARATIONS, register, register_markdown
from shared.detection.settings import DEFAULTS, RULE_PARAMETERS, RULES, merged
from shared.journey.event import EventData
from shared.journey.vocabulary import EVENT_TYPES

DOCS = Path(__file__).parents[2] / "docs" / "definitions"


def texts(rule: str) -> list[Words]:
    """All texts of a declaration."""
    it = DECLARATIONS[rule]
    return [it.title, it.purpose, it.data, it.limits, it.owner, *it.parameters.values()]


def test_every_rule_is_declared_in_order() -> None:
    """The register has the rules of the settings, each under its name, in the order of the definitions."""
    assert tuple(DECLARATIONS) == RULES
    assert all(declaration.name == rule for rule, declaration in DECLARATIONS.items())


@pytest.mark.parametrize("rule", RULES)
def test_every_text_is_there_in_both_languages(rule: str) -> None:
    """Each text is written in French and English, and every parameter of the rule is explained."""
    assert list(DECLARATIONS[rule].parameters) == list(RULE_PARAMETERS[rule])
    for words in texts(rule):
        assert words.fr.strip()
        assert words.en.strip()
        assert words.fr != words.en
        assert words.in_language("fr")[-1] == words.in_language("en")[-1] or words is DECLARATIONS[rule].title
    for words in texts(rule)[1:]:
        assert words.fr[-1] == words.en[-1] == "."


def test_french_names_are_those_of_the_definitions() -> None:
    """The French titles are the names that the definitions give, in their order."""
    names = (DOCS / "frictions.md").read_text(encoding="utf-8").split("French names: ")[1]
    expected = [name.strip().replace("\n", " ") for name in names.rstrip().rstrip(".").split(";")]
    assert [declaration.title.fr for declaration in DECLARATIONS.values()] == expected


def test_what_rules_need_exists() -> None:
    """Needed types and fields are words of the event model, and each rule needs something."""
    for declaration in DECLARATIONS.values():
        assert declaration.needed_types <= set(EVENT_TYPES)
        assert declaration.needed_fields <= set(EventData.__struct_fields__)
        assert declaration.needed_types | declaration.needed_fields


def test_what_rules_need_is_written_down() -> None:
    """The table in docs/definitions/decisions.md says the same fields and, where it names types, the same types."""
    table = (DOCS / "decisions.md").read_text(encoding="utf-8").split("## Observable")[1].split("## Figures")[0]
    rows = {}
    for line in table.splitlines():
        if line.startswith("| `"):
            rule, types, fields = (re.findall(r"`([\w.]+)`", cell) for cell in line.strip("|").split("|"))
            rows[rule[0]] = (set(types), set(fields))
    assert tuple(rows) == RULES
    for name, (needed_types, needed_fields) in rows.items():
        assert needed_fields == DECLARATIONS[name].needed_fields
        if name not in {"repeat_contact", "channel_switch", "form_abandoned"}:
            assert needed_types == DECLARATIONS[name].needed_types


def test_citizens_see_all_but_two() -> None:
    """A citizen does not notice teams passing a case back, nor a step done again; everything else they do."""
    assert {rule for rule, each in DECLARATIONS.items() if not each.citizen_sees} == {"ping_pong", "rework"}


def test_the_register_shows_the_settings_in_force() -> None:
    """Values of the document, services of their own, minutes and their source are in the entry, in words."""
    document = merged(
        DEFAULTS,
        {
            "long_wait": {"limit_s": {"phone": 90}},
            "minutes": {
                "long_wait": {"citizen_min": 2, "administration_min": {"phone": 0.5}, "source": "Étude 2026"},
                "rework": {"source": "nothing measured yet"},
            },
            "service": {
                "permit": {"rework": {"enabled": True}, "long_wait": {"limit_s": {"counter": 60}}, "low_rating": {}},
                "tax": {"rework": {"enabled": False}, "error_loop": {"enabled": True, "count": 5}},
            },
        },
    )
    french = {entry.rule: entry for entry in register("fr", document)}
    english = {entry.rule: entry for entry in register("en", document)}
    assert [setting.value.replace("\u00a0", " ") for setting in french["long_wait"].parameters] == [
        "téléphone 1 minute et 30 secondes, guichet 20 minutes"
    ]
    assert french["long_wait"].minutes == (
        "la personne : 2 minutes ; l’administration : téléphone 30 secondes (Étude 2026)".replace(" :", "\u00a0:")
        .replace(" ;", "\u202f;")
        .replace("2 m", "2\u00a0m")
        .replace("30 s", "30\u00a0s")
    )
    assert english["rework"].minutes is None
    assert english["case_reopened"].minutes is None
    assert "Planning assumption" in (english["error_loop"].minutes or "")
    assert "Hypothèse de travail" in (french["error_loop"].minutes or "")
    assert english["rework"].exceptions == ["`permit`: on", "`tax`: off"]
    assert french["rework"].exceptions == ["`permit`\u00a0: active", "`tax`\u00a0: désactivée"]
    assert english["error_loop"].exceptions == ["`tax`: on, count = 5"]
    assert english["low_rating"].exceptions == []
    assert (english["rework"].enabled, english["low_rating"].enabled) == (False, True)
    assert english["deadline_missed"].needed_fields == ["case", "due"]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_register_reads_as_one_text(lang: str) -> None:
    """The Markdown has a section for each rule with purpose, data, settings, limits and owner."""
    text = register_markdown(lang, merged(DEFAULTS, {"service": {"permit": {"rework": {"enabled": True}}}}))
    sections = text.split("\n## ")
    assert [section.splitlines()[0] for section in sections[1:]] == [
        declaration.title.in_language(lang) for declaration in DECLARATIONS.values()
    ]
    for rule, section in zip(RULES, sections[1:], strict=True):
        assert f"(`{rule}`)" in section
        for words in texts(rule)[1:]:
            assert words.in_language(lang) in section
    assert "90\u00a0" in sections[0]
    assert "{" not in text
    if lang == "fr":
        assert not re.search(r" [:;!?»]|« ", text)
        assert "Planning" not in text


def test_the_register_can_be_sent() -> None:
    """Entries are plain data: JSON gives them all."""
    assert len(msgspec.json.decode(msgspec.json.encode(register("fr", DEFAULTS)))) == len(RULES)
