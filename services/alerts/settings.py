"""A site's alert settings: one TOML file (`PARCOURS_ALERTS`), checked at start, every mistake with its line.

The table `notification` is handed on as it is, with the lines of its keys: services/alerts/notification reads it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct, convert

from services.alerts.calendar import Calendar
from services.alerts.calendar_clock import LocalClock
from services.alerts.calendar_entries import read_entries
from services.alerts.policy import Policy
from services.alerts.settings_fields import ARRAYS, CALENDAR, CALENDAR_ARRAYS, TABLES
from services.alerts.settings_lines import Lines, key_lines, line_of
from services.alerts.settings_reading import Problems, Table, read_table, read_tables
from shared.alerts.finding import Severity
from shared.detection.toml_file import load_toml
from shared.detection.toml_lines import Path
from shared.errors import ConfigurationError

_SHARES: Final = ("share_fast", "share_slow", "share_silence", "share_rejects")


class FalseAlerts(Struct, frozen=True):
    """How many false alerts a day are accepted over the whole site, and how they are shared out."""

    a_day: float
    share_fast: float
    share_slow: float
    share_silence: float
    share_rejects: float


class Rises(Struct, frozen=True):
    """When a count of points is a rise. Windows: `fast_min` (a multiple of 15) and `slow_h`."""

    enabled: bool
    fast_min: int
    slow_h: int
    weeks: int
    min_weeks: int
    min_ratio: float
    min_excess: float
    min_citizens: int
    critical_ratio: float
    critical_citizens: int
    keep_probability: float
    max_series: int
    territory_levels: int
    off: tuple[str, ...]


class Silence(Struct, frozen=True):
    """When the silence of a channel is told."""

    enabled: bool
    max_gap_h: int
    min_gap_min: int
    severity: Severity


class Rejects(Struct, frozen=True):
    """When a rise in refused events is told."""

    enabled: bool
    days: int
    min_ratio: float
    min_events: int
    severity: Severity


class Lag(Struct, frozen=True):
    """From how far behind on a stream is told."""

    enabled: bool
    warning_s: int
    critical_s: int


class Threshold(Struct, frozen=True):
    """So many journeys touched within so many minutes: '' is any rule, service, channel or territory."""

    name: str
    rule: str
    service: str
    channel: str
    territory: str
    window_min: int
    at_least: int
    severity: Severity


class ServiceLevel(Struct, frozen=True):
    """A share that was announced: docs/alerts/judging.md says what each kind counts."""

    name: str
    kind: Literal["answered_in_time", "answered_by_person", "due_kept"]
    service: str
    channel: str
    within_s: int | None
    at_least: float
    window_min: int
    min_contacts: int
    probability: float
    severity: Severity


class AlertSettings(Struct, frozen=True, kw_only=True):
    """All alert settings of a site. `notification`: the raw table; `lines`: where its keys stand."""

    time_zone: str
    false_alerts: FalseAlerts
    rises: Rises
    silence: Silence
    rejects: Rejects
    lag: Lag
    thresholds: tuple[Threshold, ...]
    service_levels: tuple[ServiceLevel, ...]
    calendar: Calendar
    policy: Policy
    notification: Mapping[str, Any]
    lines: Lines

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of a key of the file, or of the nearest table around it that has one; elements of lists from 0."""
        return _line_in(self.lines, path)


NotificationCheck = Callable[[Mapping[str, Any], Callable[[Sequence[str | int]], int], str], Iterable[tuple[int, str]]]
"""What is wrong with the table `notification`, with its line: takes the table, the line of a key, the site's time zone."""


def parse_alerts(text: str, name: str, check_notification: NotificationCheck = lambda *_: ()) -> AlertSettings:
    """The settings that the text of the file `name` gives, laid over the defaults.

    check_notification: what it finds is told with everything else, in the order of the file.

    Raises `ConfigurationError` with a line `NAME, line N: …` for each mistake.
    """
    text = text.removeprefix("\ufeff")
    given = load_toml(text, name)
    lines = key_lines(text)
    problems = Problems(lines)
    known = (*TABLES, *ARRAYS, "calendar", "notification")
    for key in given.keys() - set(known):
        problems.unknown((key,), "table", known)
    tables = {key: read_table(given.get(key, {}), (key,), fields, problems) for key, fields in TABLES.items()}
    arrays = {key: read_tables(given.get(key, []), (key,), fields, problems) for key, fields in ARRAYS.items()}
    zone = _zone(tables["site"]["time_zone"], problems)
    calendar = _calendar(given.get("calendar", {}), zone, problems)
    if isinstance(notification := given.get("notification", {}), dict):
        problems.found += check_notification(notification, partial(_line_in, lines), zone.key)
    else:
        problems.add(("notification",), "expected a table")
    _check_together(tables, given, problems)
    _check_arrays(arrays, problems)
    if problems.found:
        raise ConfigurationError("\n".join(f"{name}, line {line}: {what}" for line, what in sorted(problems.found)))
    return AlertSettings(
        time_zone=tables["site"]["time_zone"],
        false_alerts=FalseAlerts(**tables["false_alerts"]),
        rises=Rises(**tables["rises"]),
        silence=Silence(**tables["silence"]),
        rejects=Rejects(**tables["rejects"]),
        lag=Lag(**tables["lag"]),
        thresholds=tuple(convert(each, Threshold) for _, each in arrays["threshold"]),
        service_levels=tuple(convert(each, ServiceLevel) for _, each in arrays["service_level"]),
        calendar=calendar,
        policy=Policy(**tables["lifecycle"]),
        notification=notification,
        lines=lines,
    )


def default_alerts() -> AlertSettings:
    """The settings of a site without a file."""
    return parse_alerts("", "defaults")


def _line_in(lines: Lines, path: Sequence[str | int]) -> int:
    return line_of(tuple(str(part) for part in path), lines)


def _calendar(given: object, zone: ZoneInfo, problems: Problems) -> Calendar:
    plain = (
        {key: value for key, value in given.items() if key not in CALENDAR_ARRAYS} if isinstance(given, dict) else given
    )
    holidays = read_table(plain, ("calendar",), CALENDAR, problems)["holidays"]
    entries = []
    for kind, fields in CALENDAR_ARRAYS.items():
        tables = given.get(kind, []) if isinstance(given, dict) else []
        entries += read_entries(kind, read_tables(tables, ("calendar", kind), fields, problems), problems)
    return Calendar(LocalClock(zone), entries, holidays)


def _zone(name: str, problems: Problems) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problems.add(("site", "time_zone"), f"{name} is no time zone such as Europe/Paris")
        return ZoneInfo("UTC")


def _check_together(tables: Mapping[str, Table], given: Table, problems: Problems) -> None:
    """What parameters must be to each other."""
    rises, lag = tables["rises"], tables["lag"]
    if rises["fast_min"] % 15:
        problems.add(("rises", "fast_min"), f"expected a multiple of 15, found {rises['fast_min']}")
    if rises["min_weeks"] > rises["weeks"]:
        at = "min_weeks" if "min_weeks" in given.get("rises", {}) else "weeks"
        problems.add(("rises", at), f"min_weeks ({rises['min_weeks']}) must not be more than weeks ({rises['weeks']})")
    if lag["warning_s"] >= lag["critical_s"]:
        at = "warning_s" if "warning_s" in given.get("lag", {}) else "critical_s"
        problems.add(("lag", at), f"warning_s ({lag['warning_s']}) must be less than critical_s ({lag['critical_s']})")
    if (total := sum(tables["false_alerts"][share] for share in _SHARES)) > 1 + 1e-9:
        problems.add(("false_alerts",), f"the shares add up to {total:g}: expected at most 1")


def _check_arrays(arrays: Mapping[str, list[tuple[Path, Table]]], problems: Problems) -> None:
    """Names are given once; a level of time needs its time."""
    for tables in arrays.values():
        seen: set[str] = set()
        for path, table in tables:
            if table["name"] is not None and table["name"] in seen:
                problems.add((*path, "name"), f"{table['name']} is already the name of another")
            seen.add(table["name"])
    for path, level in arrays["service_level"]:
        if (level["kind"] == "answered_in_time") != (level["within_s"] is not None):
            problems.add(path, "`within_s` belongs to the kind answered_in_time, and that needs it")
