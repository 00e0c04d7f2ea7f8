"""Where the keys of an alert file stand: as `shared.detection.toml_lines`, with arrays of tables by their number from 0."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.detection.toml_lines import Path, key_parts, line_of, statements

__all__ = ["Lines", "key_lines", "line_of"]

Lines = Mapping[Path, int]


def key_lines(text: str) -> Lines:
    """The line, from 1, where each key and table of a valid TOML text is first written; `("peak", "1")` is the second `[[peak]]`.

    A key inside an inline table or an array is not listed: `line_of` gives the line of what holds it.
    """
    lines: dict[Path, int] = {}
    numbers: dict[Path, int] = {}
    table: Path = ()
    for line, tokens in statements(text):
        if tokens[0] == "[":
            written = key_parts("".join(tokens).strip("[] \t"))
            if "".join(tokens).replace(" ", "").startswith("[["):
                numbers[written] = numbers.get(written, -1) + 1
                numbers = {path: number for path, number in numbers.items() if not _below(path, written)}
            path = table = _numbered(written, numbers)
        else:
            path = table + key_parts("".join(tokens[: tokens.index("=")]))
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], line)
    return MappingProxyType(lines)


def _below(path: Path, table: Path) -> bool:
    return len(path) > len(table) and path[: len(table)] == table


def _numbered(written: Path, numbers: Mapping[Path, int]) -> Path:
    """The path of a header with the number of each array of tables on its way."""
    path: Path = ()
    for length, part in enumerate(written, 1):
        path = (*path, part)
        if (number := numbers.get(written[:length])) is not None:
            path = (*path, str(number))
    return path
