"""Friction points in force, one by one: pages of them by keyset, their sentences, their evidence."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.insights import queries
from services.insights.figures.summaries import answer
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.problems import Problem
from shared.detection.sentences import sentence
from shared.journey.instants import to_text

EXPORT_PAGE: Final = 5_000
"""Points read at a time for an export."""
NEWEST_ROWS: Final = 1_000
"""Rows that a page looks at first, besides four for each point it holds."""
_MAX_CURSOR_CHARS: Final = 512


class PointInForce(Struct, frozen=True, kw_only=True):
    """A point as it is read. `time_us` is an instant; '' is absent; `figures` that are numbers are numbers again."""

    id: str
    revision: int
    rule: str
    version: int
    parameters: dict[str, float]
    figures: dict[str, float | str]
    source: str
    anchor: str
    subject: str
    service: str
    journey: str
    channel: str
    step: str
    office: str
    territory: str
    case: str
    time_us: int
    evidence: list[str]
    evidence_sources: list[str]
    minutes_citizen: float | None
    minutes_administration: float | None

    def sentence(self, language: str) -> str:
        """Why this is a point, in words, from its own figures."""
        dimensions = {
            name: getattr(self, name) for name in ("service", "channel", "step", "office", "territory", "case")
        }
        return sentence(self.rule, language, self.figures, self.parameters, dimensions)

    def identities(self) -> list[tuple[str, str]]:
        """(source, id) of the evidence, the anchor last."""
        return list(zip(self.evidence_sources, self.evidence, strict=True))


_TEXT_FIGURES: Final = frozenset({"earlier_channel", "team", "from_team", "document", "due"})


def _figures(texts: Mapping[str, str]) -> dict[str, float | str]:
    """Figures are stored as texts; those that are not words by nature are numbers."""
    return {name: text if name in _TEXT_FIGURES else _number(text) for name, text in texts.items()}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def read_point(row: dict[str, Any]) -> PointInForce:
    """A point from the columns of `queries.POINT_COLUMNS`."""
    return PointInForce(**{**row, "figures": _figures(row["figures"])})


def encode_cursor(point: PointInForce) -> str:
    """Where a page ended: opaque to callers."""
    return base64.urlsafe_b64encode(msgspec.json.encode([point.time_us, point.id])).decode().rstrip("=")


def decode_cursor(text: str | None) -> tuple[int, str] | None:
    """The position of a cursor. Raises `Problem` 422 for one that was not given here."""
    if not text:
        return None
    text = text[:_MAX_CURSOR_CHARS]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        time_us, point = msgspec.json.decode(raw, type=tuple[int, str])
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise Problem(422, "invalid-cursor", N_("This cursor was not given by this address.")) from error
    if not -(2**62) < time_us < 2**62 or "\0" in point:
        raise Problem(422, "invalid-cursor", N_("This cursor was not given by this address."))
    return time_us, point


def points_page(
    store: Store, filters: Filters, before: tuple[int, str] | None, limit: int
) -> tuple[list[PointInForce], str | None]:
    """The next points, newest first, and the cursor that follows them (`None` at the end)."""
    newest_rows = NEWEST_ROWS + 4 * limit
    found = answer(store, queries.points_page(filters, before, limit + 1, newest_rows))
    if len(found) <= limit:
        found = answer(store, queries.points_page(filters, before, limit + 1))
    page = [read_point(row) for row in found[:limit]]
    return page, encode_cursor(page[-1]) if len(found) > limit else None


def all_points(store: Store, filters: Filters) -> Iterator[list[PointInForce]]:
    """Every point in force, newest first, in bounded pages (the first even if it is empty)."""
    cursor: str | None = None
    while True:
        page, cursor = points_page(store, filters, decode_cursor(cursor), EXPORT_PAGE)
        yield page
        if cursor is None:
            return


def point_by_id(store: Store, point: str) -> PointInForce | None:
    """A point in force; `None` if there is none of this id, or it was retracted."""
    if "\0" in point or len(point) > queries.MAX_ID_CHARS:
        return None
    return next((read_point(row) for row in answer(store, queries.point_by_id(point))), None)


def as_json(point: PointInForce, language: str) -> dict[str, Any]:
    """A point as the API gives it: without the pseudonym (the journey's hash stands for it), absent values `null`."""
    return {
        "id": point.id,
        "rule": point.rule,
        "time": to_text(point.time_us),
        "sentence": point.sentence(language),
        "anchor": point.anchor,
        "evidence": point.evidence,
        "evidence_sources": point.evidence_sources,
        "source": point.source,
        "service": point.service,
        "channel": point.channel or None,
        "step": point.step or None,
        "office": point.office or None,
        "territory": point.territory or None,
        "case": point.case or None,
        "journey": point.journey,
        "figures": point.figures,
        "parameters": point.parameters,
        "minutes_citizen": point.minutes_citizen,
        "minutes_administration": point.minutes_administration,
        "rules_version": point.version,
        "revision": point.revision,
    }
