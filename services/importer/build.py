"""From a row to its events: CloudEvents as the gateways take them, encoded.

Source: docs/definitions/import-mapping.md and the section "Event" of docs/definitions/frictions.md.
"""

import math
import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Positions
from typing import Any, Final, NamedTuple

import msgspec

from services.importer.mapping import (
    ENVELOPE,
    FLAG_FIELDS,
    NUMBER_FIELDS,
    TIME_FIELDS,
    Condition,
    EventRule,
    Mapping,
    ValueRule,
)
from services.importer.row import Row
from services.importer.templates import ROW_NUMBER, Cells, Render, Template, compile_template, first_not_empty
from services.importer.times import Moment, TimeTextError, time_parser

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_SHOWN_CHARACTERS: Final = 100

Value = str | float | bool
Read = Callable[[Cells], Any]
Holds = Callable[[Cells], bool]


class BuiltEvent(NamedTuple):
    """An event, encoded, with what sorting and the summary need. `channel` is empty where it has none."""

    time_us: int
    id: str
    line: int
    row: int
    type: str
    channel: str
    body: bytes


class Rejection(NamedTuple):
    """A row, or one event of it, that cannot be imported. `reason` is typed, `detail` is for a person."""

    line: int
    row: int
    reason: str
    detail: str
    field: str = ""
    type: str = ""
    id: str = ""


class BuiltRow(NamedTuple):
    """What a row gives. It is skipped when it gives nothing."""

    events: list[BuiltEvent]
    rejections: list[Rejection]


class CellError(ValueError):
    """A text that the field cannot take."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class EventBuilder:
    """Builds the events of rows whose cells stand in the order of `columns`, the row number after them."""

    def __init__(self, mapping: Mapping, columns: Sequence[str]) -> None:
        positions = {column: index for index, column in enumerate((*columns, ROW_NUMBER))}
        self._rules = [_CompiledRule(rule, mapping, positions) for rule in mapping.events]

    def build(self, row: Row) -> BuiltRow:
        """One event for each `[[event]]` whose `when` holds, or the reason why not."""
        events: list[BuiltEvent] = []
        rejections: list[Rejection] = []
        for rule in self._rules:
            if not rule.applies(row.cells):
                continue
            built = rule.build(row)
            if isinstance(built, BuiltEvent):
                events.append(built)
            else:
                rejections.append(built)
        return BuiltRow(events, rejections)


class _CompiledRule:
    """One `[[event]]`, its templates compiled."""

    def __init__(self, rule: EventRule, mapping: Mapping, positions: Positions[str, int]) -> None:
        readers = {name: _reader(value, name, mapping, positions) for name, value in rule.fields.items()}
        required = {name: _required(readers.pop(name), name) for name in ("type", "id", "time", "service")}
        self._fields = [*required.items(), *readers.items()]
        if rule.attributes:
            attributes = [(name, _reader(value, name, mapping, positions)) for name, value in rule.attributes.items()]
            self._fields.append(("attributes", _all_of(attributes)))
        self._conditions = [_condition(condition, positions) for condition in rule.when]
        self._source = mapping.source
        self._encode = msgspec.json.Encoder().encode

    def applies(self, cells: Cells) -> bool:
        return all(holds(cells) for holds in self._conditions)

    def build(self, row: Row) -> BuiltEvent | Rejection:
        found: dict[str, Any] = {}
        field = ""
        try:
            for field, read in self._fields:
                if (value := read(row.cells)) is not None:
                    found[field] = value
            field = ""
            body = self._encode(self._event(found))
        except (CellError, UnicodeEncodeError) as error:
            return _rejection(row, error, field, found)
        moment: Moment = found["time"]
        channel = found.get("channel", "")
        return BuiltEvent(moment.instant_us, found["id"], row.line, row.number, found["type"], channel, body)

    def _event(self, found: dict[str, Any]) -> dict[str, Any]:
        """The CloudEvent of the fields that were found."""
        event = {
            "specversion": "1.0",
            "source": self._source,
            "id": found["id"],
            "type": found["type"],
            "time": found["time"].text,
        }
        if "subject" in found:
            event["subject"] = found["subject"]
        event["data"] = {name: value for name, value in found.items() if name not in ENVELOPE}
        return event


def _rejection(row: Row, error: CellError | UnicodeEncodeError, field: str, found: dict[str, Any]) -> Rejection:
    if isinstance(error, CellError):
        reason, detail = error.reason, str(error)
    else:
        reason, detail = "bad_encoding", "a cell is not of the encoding that the mapping names"
    return Rejection(row.line, row.number, reason, detail, field, found.get("type", ""), found.get("id", ""))


def _required(read: Read, field: str) -> Read:
    def read_required(cells: Cells) -> Any:
        value = read(cells)
        if value is None:
            raise CellError(f"no_{field}", f"`{field}` is empty")
        return value

    return read_required


def _all_of(readers: Sequence[tuple[str, Read]]) -> Read:
    """The attributes as one field: `None` where all are empty."""

    def read(cells: Cells) -> dict[str, Value] | None:
        values = ((name, read_one(cells)) for name, read_one in readers)
        return {name: value for name, value in values if value is not None} or None

    return read


def _reader(rule: ValueRule, field: str, mapping: Mapping, positions: Positions[str, int]) -> Read:
    """The function that reads one field from the cells: `None` where it is empty. It raises `CellError`."""
    text = _text(rule.templates, positions)
    if rule.table is not None:
        text = _looked_up(text, rule.table, rule.otherwise)
    convert = _conversion(rule, field, mapping)
    if convert is None:
        return lambda cells: text(cells) or None

    def read(cells: Cells) -> Any:
        found = text(cells)
        return convert(found) if found else None

    return read


def _text(templates: Sequence[Template], positions: Positions[str, int]) -> Render:
    return first_not_empty([compile_template(template, positions) for template in templates])


def _looked_up(text: Render, table: dict[str, str], otherwise: str | None) -> Render:
    def render(cells: Cells) -> str:
        found = text(cells)
        if not found:
            return ""
        result = table.get(found, otherwise)
        if result is None:
            raise CellError("unknown_value", f"`{_shown(found)}` is not in the map")
        return result

    return render


def _conversion(rule: ValueRule, field: str, mapping: Mapping) -> Callable[[str], Any] | None:
    if rule.time_format is not None or field in TIME_FIELDS:
        parse = _parse_time(rule, mapping)
        return parse if field == "time" else lambda text: parse(text).text
    if field in NUMBER_FIELDS:
        return _number
    if field in FLAG_FIELDS:
        return _flag
    return _checked_number if rule.number else None


def _parse_time(rule: ValueRule, mapping: Mapping) -> Callable[[str], Moment]:
    parse = time_parser(rule.time_format, mapping.zone)

    def convert(text: str) -> Moment:
        try:
            return parse(text)
        except TimeTextError as error:
            raise CellError("bad_time", str(error)) from error

    return convert


def _number(text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise CellError("bad_number", f"`{_shown(text)}` is not a number")
    return value


def _checked_number(text: str) -> str:
    """A field of text that must be a number keeps it as it is written."""
    _number(text)
    return text


def _flag(text: str) -> bool:
    value = _FLAGS.get(text.lower())
    if value is None:
        raise CellError("bad_flag", f"`{_shown(text)}` is neither true nor false")
    return value


def _condition(condition: Condition, positions: Positions[str, int]) -> Holds:
    text = _text(condition.templates, positions)
    tests: list[Callable[[str], Any]] = []
    if condition.one_of is not None:
        tests.append(condition.one_of.__contains__)
    if condition.none_of is not None:
        none_of = condition.none_of
        tests.append(lambda found: found not in none_of)
    if condition.not_empty is not None:
        expected = condition.not_empty
        tests.append(lambda found: bool(found) is expected)
    if condition.matches is not None:
        tests.append(condition.matches.fullmatch)
    return lambda cells: all(test(text(cells)) for test in tests)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
