"""Reads one table of TOML settings value by value, noting everything that is wrong with its line."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from shared.detection.toml_file import kind_of, meant

Path = tuple[str | int, ...]
LineOf = Callable[[Path], int]
Choice = TypeVar("Choice", bound=str)

MAX_TEXT_CHARS: Final = 2_048
MAX_ITEMS: Final = 200

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Problems:
    """What is wrong with a file of settings, as it is found; `name` is the file's."""

    def __init__(self, name: str, line_of: LineOf) -> None:
        self.name: Final = name
        self.line_of: Final = line_of
        self.found: list[tuple[int, str]] = []

    def add(self, path: Path, what: str) -> None:
        """Note it."""
        self.found.append((self.line_of(path), f"{written(path)}: {what}"))

    def where(self, path: Path) -> str:
        """The place of a value, as messages name it."""
        return f"{self.name}, line {self.line_of(path)}"

    def lines(self) -> str:
        """All of it, a line each, in the order of the file."""
        return "\n".join(f"{self.name}, line {line}: {what}" for line, what in sorted(self.found))


def written(path: Path) -> str:
    """A path as TOML writes a key; elements of lists are counted from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part}" if _BARE.fullmatch(part) else f'."{part}"'
    return text.removeprefix(".")


class TableReader:
    """Takes values out of one table. A value that is wrong is noted and replaced by its default."""

    def __init__(self, value: object, path: Path, problems: Problems) -> None:
        self.path: Final = path
        self.problems: Final = problems
        self._table: Mapping[str, Any] = {}
        self._asked: list[str] = []
        if isinstance(value, Mapping):
            self._table = value
        else:
            problems.add(path, f"expected a table, found {kind_of(value)}")

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def note(self, name: str, what: str) -> None:
        """Note something wrong with a value of this table."""
        self.problems.add((*self.path, name), what)

    def raw(self, name: str) -> Any:
        """The value as it is, `None` when there is none."""
        self._asked.append(name)
        return self._table.get(name)

    def text(self, name: str, default: str | None = "", form: str | None = None, wanted: str = "") -> str:
        """A text of one line; `default` `None`: it must be there. `form`: the pattern it must match, `wanted` in words."""
        value = self.raw(name)
        if value is None:
            if default is None:
                self.problems.add(self.path, f"expected `{name}`, {wanted or 'a text'}")
            return default or ""
        return value if self._is_text(value, (*self.path, name), form, wanted) else default or ""

    def texts(self, name: str, form: str | None = None, wanted: str = "") -> tuple[str, ...]:
        """A list of texts without repeats, or one text; empty when there is none."""
        value = self.raw(name)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if not items or len(items) > MAX_ITEMS:
            self.note(name, f"expected 1 to {MAX_ITEMS} texts, found {len(items)}")
            return ()
        path: Path = (*self.path, name)
        paths = [(*path, number) for number in range(len(items))] if isinstance(value, list) else [path]
        right = [item for item, here in zip(items, paths, strict=True) if self._is_text(item, here, form, wanted)]
        return tuple(dict.fromkeys(right))

    def whole(self, name: str, default: int | None, low: int, high: int) -> int:
        """A whole number from `low` to `high`; `default` `None`: it must be there."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            found = "nothing" if value is None else value if type(value) in {int, float} else kind_of(value)
            self.note(name, f"expected a whole number from {low} to {high}, found {found}")
            return default if default is not None else low
        return value

    def choice(self, name: str, choices: tuple[Choice, ...], default: Choice | None) -> Choice:
        """One of the words; `default` `None`: it must be there."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        for word in choices:
            if value == word:
                return word
        self.note(name, unknown(value if isinstance(value, str) else "", choices))
        return default if default is not None else choices[0]

    def tables(self, name: str) -> list["TableReader"]:
        """The tables of a list of tables."""
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.note(name, f"expected [[{written((*self.path, name))}]], found {kind_of(value)}")
            return []
        return [TableReader(each, (*self.path, name, number), self.problems) for number, each in enumerate(value)]

    def named_tables(self, name: str) -> dict[str, "TableReader"]:
        """The tables in a table, by name."""
        value = self.raw(name)
        if value is None:
            return {}
        outer = TableReader(value, (*self.path, name), self.problems)
        return {key: TableReader(each, (*outer.path, key), self.problems) for key, each in outer.items()}

    def items(self) -> Iterable[tuple[str, Any]]:
        """All values of the table."""
        return self._table.items()

    def finish(self) -> None:
        """Note every value that was not asked for."""
        for name in self._table:
            if name not in self._asked:
                self.note(name, unknown(name, sorted(self._asked)))

    def _is_text(self, value: object, path: Path, form: str | None, wanted: str) -> bool:
        if not isinstance(value, str):
            self.problems.add(path, f"expected {wanted or 'a text'}, found {kind_of(value)}")
        elif value == "" or len(value) > MAX_TEXT_CHARS or _CONTROL.search(value):
            self.problems.add(path, f"expected {wanted or 'a text'}, of 1 to {MAX_TEXT_CHARS} characters on one line")
        elif form is not None and not re.fullmatch(form, value):
            self.problems.add(path, f"expected {wanted}, found {value[:80]!r}")
        else:
            return True
        return False


def unknown(word: str, known: Iterable[str]) -> str:
    """What to say of a word that is none of those known."""
    return f"{'unknown' if word else 'missing'}; {meant(word, known)}"
