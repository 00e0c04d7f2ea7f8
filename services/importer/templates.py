"""Templates of a mapping: text in which `{COLUMN}` stands for a cell and `{#}` for the number of the row.

Source: docs/definitions/import-mapping.md.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

ROW_NUMBER: Final = "#"
"""The placeholder for the number of the row of data, from 1."""

Cells = Sequence[str]
Render = Callable[[Cells], str]

_PART: Final = re.compile(r"\{([^{}]*)\}|([^{}]+)|([{}])")


class TemplateError(ValueError):
    """A template that cannot be read."""


class Placeholder(Struct, frozen=True):
    """Where a cell goes."""

    column: str


class Template(Struct, frozen=True):
    """A template, parsed: literal texts and placeholders in order."""

    parts: tuple[str | Placeholder, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs, as written; `#` for the row number."""
        return tuple(part.column for part in self.parts if isinstance(part, Placeholder))


def parse_template(text: str) -> Template:
    """The template that a text of a mapping is. Raises `TemplateError`."""
    parts: list[str | Placeholder] = []
    for match in _PART.finditer(text):
        column, literal, brace = match.groups()
        if brace:
            raise TemplateError(f"`{text}` has a brace that is not part of a {{COLUMN}}")
        if literal is not None:
            parts.append(literal)
        elif column.strip():
            parts.append(Placeholder(column.strip()))
        else:
            raise TemplateError(f"`{text}` has an empty placeholder")
    return Template(tuple(parts))


def compile_template(template: Template, positions: Mapping[str, int]) -> Render:
    """A function from the cells of a row to the text; empty as soon as one placeholder is empty.

    `positions` gives the index of each column among the cells.
    """
    parts = [positions[part.column] if isinstance(part, Placeholder) else part for part in template.parts]
    if all(isinstance(part, str) for part in parts):
        literal = "".join(map(str, parts))
        return lambda _cells: literal
    if len(parts) == 1:
        only = parts[0]
        return lambda cells: cells[only]  # type: ignore[index]  # a lone part that is no text is a position

    def render(cells: Cells) -> str:
        texts = []
        for part in parts:
            text = part if isinstance(part, str) else cells[part]
            if not text:
                return ""
            texts.append(text)
        return "".join(texts)

    return render


def first_not_empty(renders: Sequence[Render]) -> Render:
    """A function that gives the first text of several that is not empty, or the empty text."""
    if len(renders) == 1:
        return renders[0]

    def render(cells: Cells) -> str:
        for candidate in renders:
            if text := candidate(cells):
                return text
        return ""

    return render
