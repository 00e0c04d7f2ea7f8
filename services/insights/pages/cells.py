"""What stands in the cells of a figure's table: each value in words, by the kind of its column, ready for a template."""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from services.insights.figures.table import Column, Row, Table, Value
from services.insights.language import N_, Language
from services.insights.pages.words import event_words
from shared.detection.register import DECLARATIONS
from shared.detection.sentences import channel_name

_NAMES: Final = frozenset({"text", "rule", "service", "channel", "territory", "event", "day", "instant"})
"""Kinds of columns that name something; the others count or measure."""


class Heading(NamedTuple):
    """A column's title, and whether it names something."""

    title: Markup
    is_name: bool


class Cells:
    """Writes the cells of figures in one language, whose messages `text` gives; for any number of threads."""

    def __init__(self, language: Language, text: Callable[[str], Markup]) -> None:
        self._language: Final = language
        self._text: Final = text
        self._not_shown: Final = Markup('<span class="few">{}</span>').format(text(N_("not shown")))
        self._not_known: Final = Markup('<span class="unknown">{}</span>').format(text(N_("not known")))
        no_service, no_territory, not_given = (
            Markup('<span class="soft">{}</span>').format(text(message))
            for message in (N_("no service"), N_("no territory"), N_("not given"))
        )
        self._ways: Final[dict[str, Callable[[Any], str]]] = {
            "rule": lambda rule: DECLARATIONS[rule].title.in_language(language.code),
            "channel": self.channel,
            "event": lambda kind: event_words(kind, language),
            "day": language.day,
            "instant": language.moment,
            "service": lambda name: name or no_service,
            "territory": lambda path: breakable(path) if path else no_territory,
            "text": lambda text: breakable(text) if text else not_given,
            "share": language.percent,
            "rate": language.rate,
            "seconds": language.duration,
            "minutes": language.minutes,
            "euros": language.euros,
            "flag": lambda flag: text(N_("yes") if flag else N_("no")),
            "count": language.number,
            "decimal": language.number,
        }

    def channel(self, channel: str) -> str:
        """The name of a channel; in words where there is none."""
        return channel_name(channel, self._language.code) if channel else self._language.text(N_("no channel"))

    def measure(self, value: float, kind: str) -> str:
        """A value that is known, as a column of this kind shows it."""
        return self._ways[kind](value)

    def cell(self, row: Row, column: Column, value: Value) -> Markup:
        """A value of a row; in words where it is withheld, not known, or a code."""
        if column.name in row.withheld:
            return self._not_shown
        if value is None:
            return self._not_known
        if value in column.words:
            return self._text(column.words[str(value)])
        return escape(self._ways[column.kind](value))

    def headings(self, found: Table) -> list[Heading]:
        """The titles of a table's columns."""
        return [Heading(self._text(column.title), column.kind in _NAMES) for column in found.columns]

    def rows(
        self, found: Table, headings: Sequence[Heading], most: int
    ) -> Iterator[tuple[Markup, list[tuple[Markup, bool, Markup]]]]:
        """Of the first rows: the first cell, and the others, each behind its heading."""
        for row in found.rows[:most]:
            first, *others = map(self.cell, repeat(row), found.columns, row.values)
            yield first, [(*heading, cell) for heading, cell in zip(headings[1:], others, strict=True)]


def breakable(path: str) -> Markup:
    """The path, which a narrow column may break after a slash."""
    return Markup("/<wbr>").join(path.split("/"))
