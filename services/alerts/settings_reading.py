"""Reading one table of an alert file: each value against its field, every problem with its line."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, Literal

from msgspec import Struct

from services.alerts.settings_lines import Lines, line_of
from shared.detection.toml_file import kind_of, meant
from shared.detection.toml_lines import Path

Kind = Literal["number", "whole", "flag", "text", "texts", "wholes", "moment"]
Table = dict[str, Any]

_EXPECTED: Final[Mapping[str, str]] = {
    "number": "a number",
    "whole": "a whole number",
    "flag": "true or false",
    "text": "a text",
    "texts": "a list of texts",
    "wholes": "a list of whole numbers",
    "moment": "a date or a local date and time",
}
MAX_LIST: Final = 1_000


class Field(Struct, frozen=True, kw_only=True):
    """What a setting may be. `source`: why its default is what it is, or why it has none.

    A field without default (`None`) may be left out unless `required`. low, high: bounds of numbers, of each in a list;
    positive excludes 0. choices: the texts that are known, empty for any.
    """

    kind: Kind
    source: str
    default: Any = None
    required: bool = False
    low: float = 0
    high: float = 1e9
    positive: bool = False
    choices: tuple[str, ...] = ()


Fields = Mapping[str, Field]


class Problems:
    """What is wrong, with its line, as it is found."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.found: list[tuple[int, str]] = []

    def add(self, path: Path, what: str) -> None:
        """Note a problem of the value at the path."""
        self.found.append((line_of(path, self._lines), f"{written(path)}: {what}"))

    def unknown(self, path: Path, what: str, known: Iterable[str]) -> None:
        """Note a name that is none, with the one that was probably meant."""
        self.add(path, f"unknown {what}; {meant(path[-1], known)}")


def written(path: Path) -> str:
    """The path as one writes it; tables of an array by their number from 1: `peak[2].from`."""
    text = ""
    for part in path:
        if part.isdigit() and text:
            text += f"[{int(part) + 1}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"')
    return text


def read_table(given: object, path: Path, fields: Fields, problems: Problems) -> Table:
    """The values of a table, defaults where nothing is given or what is given is wrong, which is noted."""
    values = {name: field.default for name, field in fields.items()}
    if not isinstance(given, dict):
        problems.add(path, f"expected a table, found {kind_of(given)}")
        return values
    for name, value in given.items():
        here = (*path, name)
        if name not in fields:
            problems.unknown(here, "parameter", fields)
        elif (what := _wrong(value, fields[name])) is None:
            values[name] = tuple(value) if isinstance(value, list) else value
        else:
            problems.add(here, what)
    for name, field in fields.items():
        if field.required and name not in given:
            problems.add(path, f"`{name}` is missing")
    return values


def read_tables(given: object, path: Path, fields: Fields, problems: Problems) -> list[tuple[Path, Table]]:
    """The tables of an array, each with its path."""
    if not isinstance(given, list):
        problems.add(path, f"expected `[[{written(path)}]]`, a list of tables, found {kind_of(given)}")
        return []
    if len(given) > MAX_LIST:
        problems.add(path, f"expected at most {MAX_LIST} tables, found {len(given)}")
        return []
    paths = [(*path, str(number)) for number in range(len(given))]
    return [(here, read_table(each, here, fields, problems)) for here, each in zip(paths, given, strict=True)]


def _wrong(value: object, field: Field) -> str | None:
    """What is wrong with a value; `None` when it is as the field wants it."""
    if field.kind in {"texts", "wholes"}:
        return _wrong_list(value, field)
    if not _is_kind(value, field.kind):
        return f"expected {_EXPECTED[field.kind]}, found {value if isinstance(value, float) else kind_of(value)}"
    if field.kind in {"number", "whole"}:
        return _out_of_bounds(value, field)
    if isinstance(value, str) and (not value.strip() or len(value) > 256):
        return "expected a text of 1 to 256 characters"
    if isinstance(value, str) and field.choices and value not in field.choices:
        return f"expected one of {', '.join(field.choices)}, found {value}"
    return None


def _wrong_list(value: object, field: Field) -> str | None:
    if not isinstance(value, list) or len(value) > MAX_LIST:
        return f"expected {_EXPECTED[field.kind]}, found {kind_of(value)}"
    one = Field(
        kind="text" if field.kind == "texts" else "whole",
        source="",
        low=field.low,
        high=field.high,
        positive=field.positive,
        choices=field.choices,
    )
    return next((what for each in value if (what := _wrong(each, one)) is not None), None)


def _is_kind(value: object, kind: Kind) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "moment":
        return isinstance(value, date) and not (isinstance(value, datetime) and value.tzinfo is not None)
    if kind == "text":
        return isinstance(value, str)
    return isinstance(value, int if kind == "whole" else int | float) and not isinstance(value, bool)


def _out_of_bounds(value: object, field: Field) -> str | None:
    if isinstance(value, int | float) and field.low <= value <= field.high and not (field.positive and value == 0):
        return None
    low = "more than 0" if field.positive and field.low <= 0 else f"at least {field.low:g}"
    return f"expected {_EXPECTED[field.kind]}, {low} and at most {field.high:g}, found {value}"
