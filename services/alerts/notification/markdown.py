"""A small part of Markdown as HTML: headings, paragraphs, lists, emphasis, code and links. Nothing else, and never HTML itself.

Every character of the text that is no mark is escaped, so what a site writes into its own playbooks cannot become a script.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Final

_HEADING: Final = re.compile(r"(#{1,4})\s+(\S.*)")
_BULLET: Final = re.compile(r"[-*]\s+(\S.*)")
_NUMBER: Final = re.compile(r"\d{1,3}[.)]\s+(\S.*)")
_MARK: Final = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\[(?P<text>[^\[\]\n]{1,300})\]\((?P<address>[^()\s]{1,2000})\)"
    r"|\*\*(?!\s)(?P<strong>[^*\n]+)(?<!\s)\*\*"
    r"|\*(?!\s)(?P<em>[^*\n]+)(?<!\s)\*"
)
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"']+|mailto:[^\s<>\"':/]+|tel:[0-9+.-]+|/(?![/\\])[^\s<>\"'\\]*")
"""Pages of the web and of the site itself, mail and telephone; no other scheme, and no address of another host without one."""


def to_html(text: str, first_level: int = 1) -> str:
    """The HTML of a text; its `#` becomes a heading of `first_level` (1 to 3), `##` of the next."""
    return "\n".join(_blocks(text, first_level))


def title_of(text: str) -> str:
    """The text of its first heading, '' if it has none."""
    for line in text.splitlines():
        found = _HEADING.fullmatch(line.strip())
        if found:
            return found[2]
    return ""


def _blocks(text: str, first_level: int) -> Iterator[str]:
    kind, lines = "", list[str]()
    for line in [*text.splitlines(), ""]:
        found, content = _kind_of(line)
        if kind and found != kind and not (found == "p" and line[:1].isspace() and kind in {"ul", "ol"}):
            yield _block(kind, lines)
            kind, lines = "", []
        if found.startswith("#"):
            level = min(first_level + len(found) - 1, 6)
            yield f"<h{level}>{_inline(content)}</h{level}>"
        elif found == "p" and kind in {"ul", "ol"}:
            lines[-1] += " " + content
        elif found:
            kind = found
            lines.append(content)


def _kind_of(line: str) -> tuple[str, str]:
    """What a line is ('#', '##', …, 'ul', 'ol', 'p', or '' between blocks), and its text."""
    text = line.strip()
    if heading := _HEADING.fullmatch(text):
        return heading[1], heading[2]
    if bullet := _BULLET.fullmatch(text):
        return "ul", bullet[1]
    if number := _NUMBER.fullmatch(text):
        return "ol", number[1]
    return ("p", text) if text else ("", "")


def _block(kind: str, lines: list[str]) -> str:
    if kind == "p":
        return f"<p>{_inline(' '.join(lines))}</p>"
    items = "".join(f"<li>{_inline(line)}</li>" for line in lines)
    return f"<{kind}>{items}</{kind}>"


def _inline(text: str) -> str:
    parts, end = list[str](), 0
    for mark in _MARK.finditer(text):
        parts += [escape(text[end : mark.start()]), _marked(mark)]
        end = mark.end()
    return "".join([*parts, escape(text[end:])])


def _marked(mark: "re.Match[str]") -> str:
    kind = mark.lastgroup or ""
    if kind != "address":
        return f"<{kind}>{escape(mark[kind])}</{kind}>"
    if not _ADDRESS.fullmatch(mark["address"]):
        return escape(mark[0])
    return f'<a href="{escape(mark["address"])}">{escape(mark["text"])}</a>'
