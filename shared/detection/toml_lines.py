"""Where the keys of a TOML text stand, for messages with line numbers: `tomllib` gives values only."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Final

Path = tuple[str, ...]

_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # strings of several lines may end in one or two quotes of their own
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{\]}=\n]"
    r"|[^\"'#\[\]{}=\n]+",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, where each key and table of a valid TOML text is first written.

    A key inside an inline table or an array is not listed: `line_of` gives the line of what holds it.
    """
    lines: dict[Path, int] = {}
    table: Path = ()
    for line, tokens in statements(text):
        if tokens[0] == "[":
            table = key_parts("".join(tokens).strip("[] \t"))
            path = table
        else:
            path = table + key_parts("".join(tokens[: tokens.index("=")]))
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], line)
    return lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """The line of a key, or of the nearest table around it that has one."""
    while path not in lines and path:
        path = path[:-1]
    return lines.get(path, 1)


def statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """The headers and assignments of the text, as tokens without comments, each with its first line."""
    line, depth, first, tokens = 1, 0, 1, list[str]()
    for match in _TOKEN.finditer(text.replace("\r\n", "\n") + "\n"):
        part = match[0]
        if part == "\n" and depth == 0:
            if tokens:
                yield first, tokens
            tokens = []
        elif not part.startswith("#") and part.strip():
            first = first if tokens else line
            tokens.append(part)
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(part, 0)
        line += part.count("\n")


def key_parts(text: str) -> Path:
    """The parts of a key, bare, quoted or dotted: TOML's own parser reads it."""
    value: object = tomllib.loads(f"{text} = 0")
    path: Path = ()
    while isinstance(value, dict):
        ((part, value),) = value.items()
        path = (*path, part)
    return path
