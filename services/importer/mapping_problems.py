"""What is wrong with a mapping file, each with line and key, collected so that one look is enough."""

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

from shared.errors import ConfigurationError

_HEADER: Final = re.compile(r"\s*\[\[\s*event\s*\]\]")


class Problems:
    """Collects problems. `event` is the number of the `[[event]]` that is being read, from 1; 0 is the top."""

    def __init__(self, name: str, text: str, event: int = 0, found: list[tuple[int, str]] | None = None) -> None:
        self._name = name
        self._text = text
        self._event = event
        self._found: list[tuple[int, str]] = [] if found is None else found

    def inside(self, event: int) -> "Problems":
        """The same collection, for the keys of one `[[event]]`."""
        return Problems(self._name, self._text, event, self._found)

    def add(self, key: str, what: str) -> None:
        """Note a problem of a key, written with dots where it lies deeper."""
        shown = f"[[event]] {self._event}, {key}" if self._event else key
        self._found.append((_line(self._text, self._event, key), f"{shown}: {what}"))

    def unknown_keys(self, given: Iterable[str], known: tuple[str, ...], inside: str = "") -> None:
        """Note each key that is not known, with the nearest that is."""
        for key in given:
            if key not in known:
                close = get_close_matches(key, known, n=1)
                hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(known)}"
                self.add(f"{inside}.{key}" if inside else key, f"unknown key; {hint}")

    def raise_any(self) -> None:
        """Raises `ConfigurationError` with a line for each problem, if there is any."""
        if self._found:
            lines = dict.fromkeys(f"{self._name}, line {line}: {what}" for line, what in sorted(self._found))
            raise ConfigurationError("\n".join(lines))


def load_toml(text: str, name: str) -> dict[str, Any]:
    """The content of a TOML text. Raises `ConfigurationError` with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{name}: nested too deeply") from error


def _line(text: str, event: int, key: str) -> int:
    """The line of the first part of a key within its `[[event]]`, or of the header where the key is not written."""
    first = re.escape(key.partition(".")[0])
    wanted = re.compile(rf"""\s*(?:\[\s*event\s*\.\s*)?["']?{first}["']?\s*[.=\]]""")
    seen, header = 0, 1
    for number, line in enumerate(text.splitlines(), 1):
        if _HEADER.match(line):
            seen += 1
            header = number if seen == event else header
        elif seen == event and wanted.match(line):
            return number
    return header
