"""The mapping file: how the rows of a file become events. Reads and checks it; sends and opens nothing.

Source: docs/definitions/import-mapping.md. Everything wrong with a mapping is reported at once, each with line and key.
"""

import re
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from services.importer.mapping_problems import Problems, load_toml
from services.importer.templates import ROW_NUMBER, Template, TemplateError, parse_template
from services.importer.times import TimeTextError, check_format
from services.importer.zones import read_zone
from shared.errors import ConfigurationError
from shared.journey.event import EventData
from shared.journey.vocabulary import CHANNELS, CONTROL_TYPES, TYPE_PREFIX

FORMATS: Final = ("csv", "xes", "ndjson")
NUMBER_FIELDS: Final = frozenset({"wait_s", "duration_s", "rating"})
TIME_FIELDS: Final = frozenset({"time", "due"})
FLAG_FIELDS: Final = frozenset({"invited"})
DATA_FIELDS: Final = tuple(name for name in EventData.__struct_fields__ if name != "attributes")

_TOP_KEYS: Final = ("name", "format", "delimiter", "encoding", "timezone", "missing", "event")
ENVELOPE: Final = ("type", "id", "time", "subject")
_EVENT_KEYS: Final = (*ENVELOPE, *DATA_FIELDS, "attributes", "when")
_REQUIRED: Final = ("type", "id", "time", "service")
_VALUE_KEYS: Final = ("value", "map", "otherwise", "format", "number")
_TESTS: Final = ("in", "not_in", "not_empty", "equals", "matches")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")


class ValueRule(Struct, frozen=True):
    """How one field gets its text: the first template that is not empty, then perhaps a table or a time format."""

    templates: tuple[Template, ...]
    table: dict[str, str] | None = None
    otherwise: str | None = None
    time_format: str | None = None
    number: bool = False


class Condition(Struct, frozen=True):
    """One entry of `when`: all the tests that are given must hold for the value."""

    templates: tuple[Template, ...]
    one_of: frozenset[str] | None = None
    none_of: frozenset[str] | None = None
    not_empty: bool | None = None
    matches: re.Pattern[str] | None = None


class EventRule(Struct, frozen=True):
    """One `[[event]]`: `fields` holds type, id, time, subject and those of `data`, by name."""

    fields: dict[str, ValueRule]
    attributes: dict[str, ValueRule]
    when: tuple[Condition, ...]

    @property
    def templates(self) -> Iterator[Template]:
        """All its templates."""
        for condition in self.when:
            yield from condition.templates
        for rule in (*self.fields.values(), *self.attributes.values()):
            yield from rule.templates


class Mapping(Struct, frozen=True):
    """A checked mapping. `format` is `None` where the file's name decides."""

    name: str
    format: str | None
    delimiter: str
    encoding: str
    zone: tzinfo | None
    missing: frozenset[str]
    events: tuple[EventRule, ...]

    @property
    def source(self) -> str:
        """The `source` of its events."""
        return f"/import/{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column its templates name, once, in the order of the mapping; the row number is none."""
        names = dict.fromkeys(
            column for event in self.events for template in event.templates for column in template.columns
        )
        names.pop(ROW_NUMBER, None)
        return tuple(names)


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises `ConfigurationError` naming file, line and key."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"the mapping {path} cannot be read: {reason}") from error
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str) -> Mapping:
    """The mapping that the text of the file `name` is. Raises `ConfigurationError`."""
    problems = Problems(name, text)
    given = load_toml(text, name)
    problems.unknown_keys(given, _TOP_KEYS)
    zone = _zone(given, problems)
    events = given.get("event")
    if not isinstance(events, list) or not events or not all(isinstance(event, dict) for event in events):
        problems.add("event", "a mapping needs at least one [[event]]")
        events = []
    mapping = Mapping(
        name=_name(given, problems),
        format=_format(given, problems),
        delimiter=_delimiter(given, problems),
        encoding=_encoding(given, problems),
        zone=zone,
        missing=frozenset(_texts(given.get("missing", []), "missing", problems)),
        events=tuple(_event(event, zone, problems.inside(number)) for number, event in enumerate(events, 1)),
    )
    problems.raise_any()
    return mapping


def _name(given: dict[str, Any], problems: Problems) -> str:
    value = given.get("name")
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    problems.add("name", "expected a name of letters, digits and . _ ~ -: it becomes the source /import/NAME")
    return ""


def _format(given: dict[str, Any], problems: Problems) -> str | None:
    value = given.get("format")
    if value is None or value in FORMATS:
        return value
    problems.add("format", f"expected one of {', '.join(FORMATS)}, found {value!r}")
    return None


def _delimiter(given: dict[str, Any], problems: Problems) -> str:
    value = given.get("delimiter", ",")
    if isinstance(value, str) and len(value) == 1 and value not in '\r\n"':
        return value
    problems.add("delimiter", f"expected one character, found {value!r}")
    return ","


def _encoding(given: dict[str, Any], problems: Problems) -> str:
    value = given.get("encoding", "utf-8")
    try:
        "".encode(value)
    except (LookupError, TypeError, ValueError):
        problems.add("encoding", f"{value!r} is not the name of a text encoding")
        return "utf-8"
    return str(value)


def _zone(given: dict[str, Any], problems: Problems) -> tzinfo | None:
    value = given.get("timezone")
    if value is None:
        return None
    zone = read_zone(value)
    if zone is None:
        problems.add("timezone", f"{value!r} is not a time zone such as Europe/Paris")
    return zone


def _texts(value: object, key: str, problems: Problems) -> list[str]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item.strip() for item in value]
    problems.add(key, "expected a list of texts")
    return []


def _event(given: dict[str, Any], zone: tzinfo | None, problems: Problems) -> EventRule:
    problems.unknown_keys(given, _EVENT_KEYS)
    for key in _REQUIRED:
        if key not in given:
            problems.add(key, "missing: every [[event]] needs type, id, time and service")
    fields = {key: _value_rule(given[key], key, zone, problems) for key in (*ENVELOPE, *DATA_FIELDS) if key in given}
    _check_type(fields.get("type"), problems)
    _check_channel(fields.get("channel"), problems)
    attributes = given.get("attributes", {})
    if not isinstance(attributes, dict):
        problems.add("attributes", "expected a table")
        attributes = {}
    return EventRule(
        fields=fields,
        attributes={key: _value_rule(attributes[key], f"attributes.{key}", zone, problems) for key in attributes},
        when=_conditions(given.get("when", []), problems),
    )


def _value_rule(given: object, key: str, zone: tzinfo | None, problems: Problems) -> ValueRule:
    if not isinstance(given, dict):
        return ValueRule(_templates(given, key, problems))
    problems.unknown_keys(given, _VALUE_KEYS, key)
    if "value" not in given:
        problems.add(key, "the table needs `value`")
    ways = [way for way in ("map", "format", "number") if way in given]
    if len(ways) > 1:
        problems.add(key, f"takes one of map, format and number, found {' and '.join(ways)}")
    if "otherwise" in given and "map" not in given:
        problems.add(key, "`otherwise` goes with `map`")
    if not isinstance(given.get("number", False), bool):
        problems.add(key, "`number` is true or false")
    return ValueRule(
        templates=_templates(given.get("value", ""), key, problems),
        table=_table(given["map"], key, problems) if "map" in given else None,
        otherwise=_constant(given["otherwise"], f"{key}.otherwise", problems) if "otherwise" in given else None,
        time_format=_time_format(given["format"], key, zone, problems) if "format" in given else None,
        number=given.get("number") is True,
    )


def _templates(given: object, key: str, problems: Problems) -> tuple[Template, ...]:
    templates = []
    for item in given if isinstance(given, list) else [given]:
        try:
            templates.append(parse_template(_constant(item, key, problems)))
        except TemplateError as error:
            problems.add(key, str(error))
    if given == []:
        problems.add(key, "expected at least one template")
    return tuple(templates)


def _constant(value: object, key: str, problems: Problems) -> str:
    """A value of TOML as the text that a cell could hold."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    problems.add(key, f"expected a text, found {value!r}")
    return ""


def _table(given: object, key: str, problems: Problems) -> dict[str, str]:
    if isinstance(given, dict):
        return {name.strip(): _constant(value, f"{key}.map", problems) for name, value in given.items()}
    problems.add(f"{key}.map", "expected a table")
    return {}


def _time_format(given: object, key: str, zone: tzinfo | None, problems: Problems) -> str | None:
    if not isinstance(given, str):
        problems.add(f"{key}.format", "expected a text such as %d/%m/%Y %H:%M")
        return None
    try:
        check_format(given, zone)
    except TimeTextError as error:
        problems.add(f"{key}.format", str(error))
    return given


def _results(rule: ValueRule) -> list[str]:
    """The texts that a rule gives whatever the row says."""
    if rule.table is not None:
        return [*rule.table.values(), *([] if rule.otherwise is None else [rule.otherwise])]
    return ["".join(map(str, each.parts)) for each in rule.templates if not each.columns]


def _check_type(rule: ValueRule | None, problems: Problems) -> None:
    for text in _results(rule) if rule else []:
        if text.removeprefix(TYPE_PREFIX) in CONTROL_TYPES:
            problems.add("type", f"`{text}` is reserved for the platform itself")


def _check_channel(rule: ValueRule | None, problems: Problems) -> None:
    for text in _results(rule) if rule else []:
        if text and text not in CHANNELS:
            problems.add("channel", f"`{text}` is not a channel; known: {', '.join(CHANNELS)}")


def _conditions(given: object, problems: Problems) -> tuple[Condition, ...]:
    if isinstance(given, list) and all(isinstance(item, dict) for item in given):
        return tuple(_condition(item, problems) for item in given)
    problems.add("when", "expected a list of tables")
    return ()


def _condition(given: dict[str, Any], problems: Problems) -> Condition:
    problems.unknown_keys(given, ("value", *_TESTS), "when")
    if "value" not in given or not any(test in given for test in _TESTS):
        problems.add("when", f"each entry needs `value` and one of {', '.join(_TESTS)}")
    not_empty = given.get("not_empty")
    if not isinstance(not_empty, bool | None):
        problems.add("when", "`not_empty` is true or false")
        not_empty = None
    one_of = frozenset(_texts(given["in"], "when", problems)) if "in" in given else None
    if "equals" in given:
        equal = frozenset({_constant(given["equals"], "when", problems).strip()})
        one_of = equal if one_of is None else one_of & equal
    return Condition(
        templates=_templates(given.get("value", ""), "when", problems),
        one_of=one_of,
        none_of=frozenset(_texts(given["not_in"], "when", problems)) if "not_in" in given else None,
        not_empty=not_empty,
        matches=_pattern(given["matches"], problems) if "matches" in given else None,
    )


def _pattern(given: object, problems: Problems) -> re.Pattern[str] | None:
    if not isinstance(given, str):
        problems.add("when", "`matches` is a regular expression")
        return None
    try:
        return re.compile(given)
    except (re.error, RecursionError, OverflowError) as error:
        problems.add("when", f"`{given}` is not a regular expression: {error}")
        return None
