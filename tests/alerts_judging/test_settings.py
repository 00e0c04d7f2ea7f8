"""Alert settings: defaults with their sources, bounds, and every mistake with its line."""

import tomllib
from pathlib import Path

import pytest

from services.alerts.policy import Policy
from services.alerts.settings import default_alerts, parse_alerts
from services.alerts.settings_fields import ARRAYS, CALENDAR, CALENDAR_ARRAYS, TABLES
from services.alerts.settings_lines import key_lines, line_of
from services.wiring.alert_settings import site_alerts
from shared.errors import ConfigurationError
from tests.docs.pages import ROOT, in_code, table_rows

ALL = {**TABLES, **ARRAYS, "calendar": CALENDAR, **{f"calendar.{name}": each for name, each in CALENDAR_ARRAYS.items()}}

LINES = """\
# a comment
[rises]
weeks = 8
off = [
  "rework",   # [not.a.table]
  "ping_pong",
]

[[calendar.peak]]
name = "first = 1"
month_days = [5]

[[calendar.peak]]
name = '''two
lines'''
factor = 2.0

[notification.receivers."the team"]
url = "x"
[[notification.routes]]
to = ["a"]
[notification.routes.hours]
days = 1
[[notification.routes]]
to = ["b"]
[notification.routes.hours]
days = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("rises",), 2),
        (("rises", "weeks"), 3),
        (("rises", "off"), 4),
        (("rises", "off", "1"), 4),
        (("calendar", "peak", "0"), 9),
        (("calendar", "peak", "0", "month_days"), 11),
        (("calendar", "peak", "1"), 13),
        (("calendar", "peak", "1", "name"), 14),
        (("calendar", "peak", "1", "factor"), 16),
        (("notification", "receivers", "the team", "url"), 19),
        (("notification", "routes", "0", "hours", "days"), 23),
        (("notification", "routes", "1", "to"), 25),
        (("notification", "routes", "1", "hours", "days"), 27),
        (("nothing",), 1),
    ],
)
def test_every_key_has_the_line_it_is_written_in(path: tuple[str, ...], line: int) -> None:
    """Nested tables, tables of arrays by their number, values over several lines; what is not there: the table around it."""
    tomllib.loads(LINES)
    assert line_of(path, dict(key_lines(LINES))) == line


def test_nested_arrays_of_tables_are_numbered_anew() -> None:
    """An array of tables within a table of an array begins again from 0 in each."""
    text = "[[a]]\n[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[[a]]\n[[a.b]]\nx = 3\n"
    lines = key_lines(text)
    assert [lines["a", "0", "b", "0", "x"], lines["a", "0", "b", "1", "x"], lines["a", "1", "b", "0", "x"]] == [3, 5, 8]


WRONG = [
    ("[rises]\nweeks = 2", 2, "rises.weeks: expected a whole number, at least 3 and at most 26, found 2"),
    ("[rises]\n\nweeks = 8.5", 3, "rises.weeks: expected a whole number, found 8.5"),
    ("[rises]\nweeks = true", 2, "rises.weeks: expected a whole number, found true or false"),
    ("[rises]\nmin_ratio = nan", 2, "rises.min_ratio: expected a number, at least 1 and at most 100, found nan"),
    ("[rises]\nmin_wek = 3", 2, 'rises.min_wek: unknown parameter; did you mean "min_weeks"?'),
    ("[rise]\nweeks = 8", 1, 'rise: unknown table; did you mean "rises"?'),
    ("rises = 3", 1, "rises: expected a table, found a number"),
    ("[rises]\nfast_min = 20", 2, "rises.fast_min: expected a multiple of 15, found 20"),
    ("[rises]\nmin_weeks = 9", 2, "rises.min_weeks: min_weeks (9) must not be more than weeks (8)"),
    ('[rises]\noff = ["rework", "nothing"]', 2, "rises.off: expected one of "),
    ("[false_alerts]\na_day = 0", 2, "false_alerts.a_day: expected a number, more than 0 and at most 10, found 0"),
    ("[false_alerts]\nshare_fast = 0.9", 1, "false_alerts: the shares add up to 1.45: expected at most 1"),
    ("[lag]\nwarning_s = 900", 2, "lag.warning_s: warning_s (900) must be less than critical_s (900)"),
    ('[site]\ntime_zone = "Europe/Pariss"', 2, "site.time_zone: Europe/Pariss is no time zone"),
    ('[calendar]\nholidays = "germany"', 2, "calendar.holidays: expected one of none, france, alsace-moselle"),
    ("[calendar.peak]\nname = 1", 1, "calendar.peak: expected `[[calendar.peak]]`, a list of tables"),
    (
        '[[calendar.peak]]\nname = "a"\nfactor = 2\nweekdays = ["mon"]\n[[calendar.peak]]\nname = "b"\nhours = ["8-9"]\nmute = true',
        7,
        'calendar.peak[2].hours: expected quarter hours such as "08:30-12:00", found "8-9"',
    ),
    ('[[calendar.peak]]\nname = "a"\nhours = ["22:00-06:00"]\nmute = true', 3, "ends before it begins"),
    ('[[calendar.peak]]\nname = "a"\nweekdays = ["mon"]', 1, "calendar.peak[1]: changes nothing"),
    ('[[calendar.peak]]\nname = "a"\nfactor = 2', 1, "calendar.peak[1]: says no time"),
    ('[[calendar.maintenance]]\nname = "a"\nfrom = 2026-01-02', 1, "needs both: it must end"),
    ('[[calendar.opening]]\nname = "a"\nweekdays = ["mon"]', 1, "calendar.opening[1]: `hours` is missing"),
    (
        '[[calendar.maintenance]]\nname = "a"\nfrom = 2026-01-02\nto = 2026-01-01',
        4,
        "calendar.maintenance[1].to: lies before `from`",
    ),
    (
        '[[calendar.maintenance]]\nname = "a"\nfrom = 2026-01-02T00:00:00Z\nto = 2026-01-03',
        3,
        "expected a date or a local date and time, found a date or time",
    ),
    ('[[threshold]]\nname = "a"', 1, "threshold[1]: `at_least` is missing"),
    (
        '[[threshold]]\nname = "a"\nat_least = 3\n[[threshold]]\nname = "a"\nat_least = 4',
        5,
        "threshold[2].name: a is already",
    ),
    (
        '[[service_level]]\nname = "a"\nat_least = 0.8\nkind = "answered_in_time"',
        1,
        "service_level[1]: `within_s` belongs to the kind answered_in_time",
    ),
    ("notification = 3", 1, "notification: expected a table"),
    ("[rises]\nweeks = 8\nweeks = 9", 3, "not valid TOML: Cannot overwrite a value"),
    ("[rises]\nweeks = 8\n[lag]\n[rises]", 4, "not valid TOML: Cannot declare ('rises',) twice"),
    ("[rises]\n\nweeks 8", 3, "not valid TOML: Expected '=' after a key"),
    ('[rises]\noff = ["a"\n', 3, "not valid TOML: Unclosed array"),
    ("x = " + "[" * 5_000, 1, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "what"), WRONG)
def test_a_mistake_is_told_with_its_line(text: str, line: int, what: str) -> None:
    """The file, the line, where in it, what is wrong, and what was expected."""
    with pytest.raises(ConfigurationError) as caught:
        parse_alerts(text, "alerts.toml")
    told = [each for each in str(caught.value).splitlines() if what in each]
    assert [each.startswith(f"alerts.toml, line {line}: ") for each in told] == [True]


def test_all_mistakes_are_told_at_once_in_order_of_their_lines() -> None:
    """Nobody corrects a file one start at a time."""
    with pytest.raises(ConfigurationError) as caught:
        parse_alerts("[lag]\nwarning_s = 0\n[rises]\nweeks = 99\nx = 1\n", "f")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["f, line 2", "f, line 4", "f, line 5"]


def test_without_a_file_the_defaults_hold() -> None:
    """An empty file and none are the same; the lifecycle's are those of its own policy."""
    settings = default_alerts()
    assert settings.rises.weeks == 8
    assert settings.false_alerts.a_day == 0.05
    assert settings.time_zone == "Europe/Paris"
    assert settings.policy == Policy()
    assert settings.thresholds == settings.service_levels == ()


def test_what_a_file_says_is_taken() -> None:
    """Values of each kind, arrays of tables, and what other parts of the alerts read: the raw table with its lines."""
    settings = parse_alerts(
        '[rises]\nweeks = 4\noff = ["rework"]\n[[threshold]]\nname = "flood"\nrule = "queue_abandoned"\nat_least = 50\n'
        '[[service_level]]\nname = "calls"\nkind = "answered_in_time"\nwithin_s = 300\nat_least = 0.8\n'
        '[notification]\nanything = 1\n[[notification.routes]]\nto = ["x"]\n[lifecycle]\nreopen_s = 60\n',
        "alerts.toml",
    )
    assert (settings.rises.weeks, settings.rises.off) == (4, ("rework",))
    assert (settings.thresholds[0].at_least, settings.thresholds[0].window_min) == (50, 60)
    assert settings.service_levels[0].within_s == 300
    assert settings.notification == {"anything": 1, "routes": [{"to": ["x"]}]}
    assert settings.line_of(("notification", "routes", 0, "to")) == 16
    assert settings.policy.reopen_s == 60


def test_every_parameter_has_a_source_for_its_default() -> None:
    """Nobody has to guess why a default is what it is."""
    assert [name for fields in ALL.values() for name, field in fields.items() if len(field.source) < 10] == []


def test_every_parameter_is_documented_with_its_default() -> None:
    """docs/alerts/settings.md has a line for each parameter, with its default and the source of it, and for no other."""
    rows = {tuple(in_code(row[0])[0].split(" ", 1)): row for row in table_rows("docs/alerts/settings.md", "parameter")}
    expected = {(f"{table}.{name}",) for table, fields in ALL.items() for name in fields}
    assert set(rows) == expected
    for table, fields in ALL.items():
        for name, field in fields.items():
            row = rows[f"{table}.{name}",]
            if field.default is None:
                assert row[1] == ("required" if field.required else "–")
            else:
                assert in_code(row[1]) == [shown(field.default)]
            assert field.source in row[3]


def shown(default: object) -> str:
    """A default as the file would have it."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return "[]"
    return f'"{default}"' if isinstance(default, str) else f"{default:g}"


def test_the_example_of_the_documents_is_valid() -> None:
    """The file shown in docs/alerts/settings.md is accepted as it stands."""
    page = (ROOT / "docs/alerts/settings.md").read_text(encoding="utf-8")
    settings = parse_alerts(page.split("```toml\n")[1].split("```")[0], "example")
    assert settings.calendar.entries
    assert settings.thresholds
    assert len(settings.service_levels) == 3


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Missing, or not UTF-8: the variable and the file are in the message."""
    path = tmp_path / "alerts.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"PARCOURS_ALERTS={path}: the alert file cannot be read"):
        site_alerts(path)


def test_a_mistake_in_notification_is_told_with_its_line(tmp_path: Path) -> None:
    """The table is read by another part, from the same file and with the same lines."""
    path = tmp_path / "alerts.toml"
    path.write_text("[rises]\nweeks = 5\n[notification]\nnothing = 1\n")
    with pytest.raises(ConfigurationError, match=r"alerts\.toml, line 4: notification\.nothing: unknown"):
        site_alerts(path)


def test_mistakes_everywhere_are_told_together(tmp_path: Path) -> None:
    """Those of the table `notification`, of secrets that are looked for, and all others: one list in the order of the file."""
    path = tmp_path / "alerts.toml"
    path.write_text(
        '[notification]\notherwise = "duty"\nnothing = 1\n[notification.receiver.duty]\nkind = "webhook"\n'
        'url = "https://a.example"\nkey = { environment = "MY_HOOK_KEY" }\n[rises]\nweeks = 1\n[site]\ntime_zone = "Mars"\n'
    )
    for secrets, lines in ((None, [3, 9, 11]), ({}, [3, 7, 9, 11])):
        with pytest.raises(ConfigurationError) as caught:
            site_alerts(path, secrets=secrets)
        told = str(caught.value).splitlines()
        assert [each.split(":")[0] for each in told if "min_weeks" not in each] == [
            f"{path}, line {at}" for at in lines
        ]
    assert f"{path}, line 7: notification.receiver.duty.key: the variable MY_HOOK_KEY" in str(caught.value)


def test_a_site_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    """`PARCOURS_ALERTS` is optional; a file's values come from it."""
    assert site_alerts(None).rises == default_alerts().rises
    (tmp_path / "a.toml").write_text("[rises]\nweeks = 5\n")
    assert site_alerts(tmp_path / "a.toml").rises.weeks == 5
