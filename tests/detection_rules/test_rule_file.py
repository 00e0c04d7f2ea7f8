"""The rule file: what it may say, and every error with its line."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from shared.detection.rule_file import parse_rules
from shared.detection.settings import DEFAULTS, merged
from shared.errors import ConfigurationError

DEFAULT_FILE = Path(__file__).parents[2] / "deploy" / "rules" / "default.toml"


def errors(text: str) -> list[str]:
    """The lines of the error that the text gives, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(text, "site.toml")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("site.toml, line ") for line in lines)
    return [line.removeprefix("site.toml, line ") for line in lines]


def test_the_default_file_writes_out_the_defaults() -> None:
    """deploy/rules/default.toml names every setting at its default."""
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    assert parse_rules(text, "default.toml") == DEFAULTS
    assert {**tomllib.loads(text), "service": {}, "source": {}} == DEFAULTS


def test_an_empty_file_gives_the_defaults() -> None:
    """Nothing set leaves everything as it is, in a document of its own."""
    document = parse_rules("", "site.toml")
    assert document == DEFAULTS
    document["long_wait"]["limit_s"]["phone"] = 1
    document["minutes"]["repeat_contact"]["citizen_min"]["phone"] = 1
    assert parse_rules("", "site.toml") == DEFAULTS


def test_the_example_of_the_definitions() -> None:
    """What the definitions show is read as they say, also with a byte-order mark before it."""
    text = """
[repeat_contact]               # for every service: min_gap_s, window_s
window_s = 1209600
[long_wait.limit_s]            # per channel
phone = 120
[service."environmental-permit".rework]    # for one service; any rule also takes `enabled`
enabled = true
[source."/phone/pbx"]
lateness_s = 3600
"""
    expected = merged(
        DEFAULTS,
        {
            "repeat_contact": {"window_s": 1_209_600},
            "long_wait": {"limit_s": {"phone": 120}},
            "service": {"environmental-permit": {"rework": {"enabled": True}}},
            "source": {"/phone/pbx": {"lateness_s": 3_600}},
        },
    )
    assert parse_rules(text, "site.toml") == expected
    assert parse_rules("\ufeff" + text, "site.toml") == expected


def test_minutes_replace_the_shipped_table_of_their_rule() -> None:
    """Own minutes replace all figures of the rule, since their source speaks for all; other rules keep theirs."""
    text = """
[minutes.repeat_contact]
citizen_min = 4
source = "our time study of 2026"
[minutes.long_wait]
administration_min = { web = 0.5 }
source = "ditto"
"""
    minutes = parse_rules(text, "site.toml")["minutes"]
    assert minutes == DEFAULTS["minutes"] | {
        "repeat_contact": {"citizen_min": 4, "source": "our time study of 2026"},
        "long_wait": {"administration_min": {"web": 0.5}, "source": "ditto"},
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("\na =", "2: not valid TOML: Invalid value"),
        ("a = 1\n[b]\nx = [1,\n", "4: not valid TOML: "),
        ("[a]\nb = 1\nb = 2", "3: not valid TOML: Cannot overwrite a value"),
        ("a = " + "9" * 5_000, "1: not valid TOML: "),
        ("a = " + "[" * 100_000, "1: nested too deeply"),
    ],
)
def test_what_is_not_toml_is_said_with_its_line(text: str, error: str) -> None:
    """A text that TOML cannot read gives one error with the line where reading stopped."""
    (line,) = errors(text)
    assert line.startswith(error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[repeat_contcat]", '1: repeat_contcat: unknown table or rule; did you mean "repeat_contact"?'),
        ("\nzzz = 1", "2: zzz: unknown table or rule; known: repeat_contact, unanswered_retry, "),
        ("rework = 1", "1: rework: expected a table, found a number"),
        ("[[rework]]", "1: rework: expected a table, found a list"),
        ("minutes = 'x'", "1: minutes: expected a table, found a text"),
        ("service = 2026-01-01", "1: service: expected a table, found a date or time"),
        ("service.x = true", "1: service.x: expected a table, found true or false"),
        ("[repeat_contact]\nwindow = 1", '2: repeat_contact.window: unknown parameter; did you mean "window_s"?'),
        ("[turned_away]\nzz = 1", "2: turned_away.zz: unknown parameter; known: enabled"),
        ("[journey]\nenabled = true", "2: journey.enabled: unknown parameter; known: gap_s, open_case_gap_s"),
        ("[rework]\nenabled = 1", "2: rework.enabled: expected true or false, found a number"),
        ("rework = { enabled = 'yes' }", "1: rework.enabled: expected true or false, found a text"),
        ("[channel_switch]\nwindow_s = '1'", "2: channel_switch.window_s: expected a number, found a text"),
        ("[channel_switch]\nwindow_s = true", "2: channel_switch.window_s: expected a number, found true or false"),
        ("[error_loop]\ncount = 2.5", "2: error_loop.count: expected a whole number, found 2.5"),
        ("[long_wait]\nlimit_s = 3", "2: long_wait.limit_s: expected a table, found a number"),
        ("[long_wait.limit_s]\nfone = 3", '2: long_wait.limit_s.fone: unknown channel; did you mean "phone"?'),
        ("[long_wait]\nlimit_s.'a b' = 3", '2: long_wait.limit_s."a b": unknown channel; known: web, phone, '),
        ("service.x.minutes = {}", "1: service.x.minutes: unknown table or rule; known: repeat_contact, "),
        ("source.'/a'.lateness = 1", '1: source."/a".lateness: unknown parameter; did you mean "lateness_s"?'),
        ("source.a.enabled = true", "1: source.a.enabled: unknown parameter; known: lateness_s"),
        ("[minutes.rewrok]\nsource = 'x'", '1: minutes.rewrok: unknown rule; did you mean "rework"?'),
        ("[minutes.rework]\ncitizen_min = 1", "1: minutes.rework: expected `source`, a text that says where"),
        ("[minutes.rework]\nsource = ''", "1: minutes.rework: expected `source`"),
        ("[minutes.rework]\nsource = 3", "1: minutes.rework: expected `source`"),
        (
            "[minutes.rework]\nsource='x'\nminutes=1",
            "3: minutes.rework.minutes: unknown parameter; known: citizen_min, ",
        ),
        ("[minutes.rework]\nsource='x'\ncitizen_min.fax=1", "3: minutes.rework.citizen_min.fax: unknown channel"),
        (
            "[minutes.rework]\nsource='x'\ncitizen_min=-1",
            "3: minutes.rework.citizen_min: expected a number, at least 0",
        ),
    ],
)
def test_what_is_not_known_or_of_another_kind_is_named(text: str, error: str) -> None:
    """An unknown name is said with what may be meant, a value of another kind with what it is."""
    (line,) = errors(text)
    assert line.startswith(error)


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        ("repeat_contact.window_s", ["300.1", "34560000"], ["0", "-1", "34560001", "nan", "inf"]),
        ("repeat_contact.min_gap_s", ["0", "604799"], ["-1", "604800", "nan"]),
        ("error_loop.count", ["1", "20"], ["0", "21"]),
        ("transfer_loop.count", ["1", "20"], ["0", "21"]),
        ("long_wait.limit_s.letter", ["0", "0.5"], ["-0.1", "34560001"]),
        ("low_rating.limit", ["1", "2.5", "5"], ["0.9", "5.1"]),
        ("failure_demand.window_s", ["1"], ["0", "34560001"]),
        ("journey.gap_s", ["0.5", "34560000"], ["0", "34560001"]),
        ('source."/a".lateness_s', ["0", "2592000"], ["-1", "2592001"]),
        ("service.x.form_abandoned.saved_window_s", ["1"], ["0"]),
    ],
)
def test_ranges(path: str, right: list[str], wrong: list[str]) -> None:
    """A number within its range is taken as it is written; one outside is refused with its line."""
    for value in right:
        found: Any = parse_rules(f"{path} = {value}", "site.toml")
        for key in path.split("."):
            found = found[key.strip('"')]
        assert found == float(value)
    for value in wrong:
        (line,) = errors(f"# first\n{path} = {value}")
        assert line.startswith(f"2: {path}: ")


def test_the_minimum_gap_is_below_the_window() -> None:
    """Whichever of the two is set, in general or for one service, is named where it breaks the order."""
    assert errors("[repeat_contact]\nwindow_s = 300") == [
        "2: repeat_contact.window_s: min_gap_s (300) must be less than window_s (300)"
    ]
    text = "[repeat_contact]\nmin_gap_s = 5\nwindow_s = 9\n[service.x.repeat_contact]\nmin_gap_s = 9\n[service.y.rework]\nenabled = true"
    assert errors(text) == ["5: service.x.repeat_contact.min_gap_s: min_gap_s (9) must be less than window_s (9)"]
    assert errors("[service.x.repeat_contact]\nenabled = true\nwindow_s = 1")[0].startswith(
        "3: service.x.repeat_contact.window_s: "
    )


def test_all_errors_are_said_at_once_in_the_order_of_their_lines() -> None:
    """One wrong thing does not hide another, wherever it stands."""
    text = """
[source.a]
lateness_s = -1
[minutes.rework]
citizen_min = "x"
[repeat_contact]
window_s = 100
count = 3
[service.x]
rewrok = {}
"""
    assert [line.split(": ")[0] for line in errors(text)] == ["3", "4", "5", "7", "8", "10"]
