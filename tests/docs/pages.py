"""The documents as tests read them: pages, headings, links, tables."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_SKIPPED = {".venv", ".venv-lock", ".git", "var", "node_modules", ".pytest_cache", ".hypothesis"}
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


class Link(NamedTuple):
    """A link of a page to a place in this repository: a path, perhaps empty, and an anchor, perhaps empty."""

    page: Path
    path: str
    anchor: str

    @property
    def target(self) -> Path:
        """The file or folder that the link means."""
        return (self.page.parent / self.path).resolve() if self.path else self.page

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.path}{'#' if self.anchor else ''}{self.anchor}"


@cache
def pages() -> tuple[Path, ...]:
    """Every Markdown file of the repository."""
    found = (path for path in ROOT.rglob("*.md") if not _SKIPPED.intersection(path.relative_to(ROOT).parts))
    return tuple(sorted(found))


@cache
def text(name: str) -> str:
    """The text of a page, by its path from the repository's folder."""
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def documents() -> str:
    """The README and all pages of docs/, as one text."""
    return "\n".join(
        path.read_text(encoding="utf-8") for path in pages() if path.name == "README.md" or "docs" in path.parts
    )


def code_blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language, in order."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text(name), re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[Link]:
    """The links of a page that stay in the repository; those in examples of code are none."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for address in _LINK.findall(prose):
        if not re.match(r"[a-z][a-z0-9+.-]*:", address):
            path, _, anchor = address.partition("#")
            yield Link(page, path, anchor)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in _HEADING.findall(prose):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = _NOT_IN_ANCHORS.sub("", plain.lower()).replace(" ", "-")
        number = 1
        unique = anchor
        while unique in found:
            unique, number = f"{anchor}-{number}", number + 1
        found.add(unique)
    return found


def table_rows(name: str, first_heading: str) -> list[list[str]]:
    """The cells of the tables of a page whose first column has this heading, row by row."""
    rows: list[list[str]] = []
    inside = False
    for line in text(name).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == first_heading:
            inside = True
        elif inside and not set(cells[0]) <= {"-", ":"}:
            rows.append(cells)
    return rows


def in_code(cell: str) -> list[str]:
    """What stands between backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def code_spans(page: str) -> list[str]:
    """What stands between backticks in a text, and the lines of its fenced blocks."""
    blocks = [line for block in _FENCE.finditer(page) for line in block[0].splitlines()]
    return [*re.findall(r"`([^`\n]+)`", _FENCE.sub("", page)), *(line.strip() for line in blocks)]
