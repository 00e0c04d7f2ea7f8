"""What the pages of improvements show, from the figures as they may be shown."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct, structs, to_builtins

from services.insights.charts.improvements import EffectChart, effect_chart
from services.insights.charts.time_axis import Flag, flags
from services.insights.effect.protocol import WEEK
from services.insights.figures.figure import Ask, shown
from services.insights.figures.improvements import IMPROVEMENT_EFFECT, IMPROVEMENTS, STATUS_WORDS, VERDICT_WORDS, listed
from services.insights.figures.improvements_effect import Judged, judged
from services.insights.figures.improvements_scope import day_number, day_of
from services.insights.figures.once import OnceStore
from services.insights.figures.summaries import extent
from services.insights.figures.table import Table, Value
from services.insights.language import N_, Language
from services.insights.pages.improvements_words import MARKS, effect_sentence, reason_sentences
from shared.journey.instants import DAY_US
from shared.registry.improvements import Improvement
from shared.registry.record import Earlier

MAX_RATIO: Final = 2.0
"""Right end of the axis of ratios: twice the expected rate; what lies beyond is drawn open."""

FIELD_WORDS: Final = {
    "title": N_("title"),
    "what": N_("description"),
    "services": N_("services"),
    "territories": N_("territories"),
    "offices": N_("offices"),
    "rule": N_("friction"),
    "owner": N_("responsible"),
    "since": N_("day of the start"),
    "status": N_("state"),
    "cost_euros": N_("cost"),
    "cost_minutes": N_("working time spent"),
    "evidence": N_("evidence"),
    "comparison": N_("comparison group"),
    "pilots": N_("pilots"),
}
"""What the history calls each field."""


class Whisker(Struct, frozen=True):
    """A ratio with its interval on an axis from 0 to `MAX_RATIO`, in per cent; `one` is where nothing has changed."""

    low: float
    high: float
    at: float
    open_high: bool
    one: float = 100 / MAX_RATIO


class Entry(Struct, frozen=True, kw_only=True):
    """One improvement on a page: its row of the figure, and what is said of it."""

    improvement: Improvement
    row: Mapping[str, Value]
    withheld: frozenset[str]
    verdict: str
    verdict_words: str
    mark: str
    sentence: str
    reasons: list[str]
    whisker: Whisker | None
    payback_weeks: float | None
    found: Judged


def list_values(ask: Ask, language: Language) -> dict[str, Any]:
    """The list: an entry a row of the figure."""
    found = shown(IMPROVEMENTS, ask)
    by_id = {each.id: each for each in listed(ask)}
    entries = [
        _entry(ask, by_id[str(record["improvement"])], record, row.withheld, language)
        for record, row in zip(found.records(), found.rows, strict=True)
    ]
    counts = {verdict: sum(each.verdict == verdict for each in entries) for verdict in VERDICT_WORDS}
    return {
        "entries": entries,
        "counts": counts,
        "verdicts": VERDICT_WORDS,
        "marks": MARKS,
        "statuses": STATUS_WORDS,
        "figure": IMPROVEMENTS,
        "table": found,
    }


def _entry(
    ask: Ask, improvement: Improvement, row: Mapping[str, Value], withheld: frozenset[str], language: Language
) -> Entry:
    found = judged(ask, improvement)
    verdict = found.effect.verdict
    return Entry(
        improvement=improvement,
        row=row,
        withheld=withheld,
        verdict=verdict,
        verdict_words=VERDICT_WORDS[verdict],
        mark=MARKS[verdict],
        sentence=effect_sentence(row, found, language),
        reasons=reason_sentences(found, language),
        whisker=_whisker(row),
        payback_weeks=None if row["euros"] is None else found.payback_weeks,
        found=found,
    )


def _whisker(row: Mapping[str, Value]) -> Whisker | None:
    ratio, low, high = row["ratio"], row["ratio_low"], row["ratio_high"]
    if not isinstance(ratio, float) or not isinstance(low, float) or not isinstance(high, float):
        return None
    low_x, high_x, at = (round(100 * min(each / MAX_RATIO, 1.0), 2) for each in (low, high, ratio))
    return Whisker(low_x, high_x, at, open_high=high > MAX_RATIO)


def page_values(ask: Ask, improvement: Improvement, history: Sequence[Earlier], language: Language) -> dict[str, Any]:
    """One improvement: its entry, its chart, its history, newest first."""
    ask = structs.replace(ask, store=OnceStore(ask.store))
    named = structs.replace(ask, parameters={"improvement": improvement.id})
    summary = shown(IMPROVEMENTS, named)
    weeks = shown(IMPROVEMENT_EFFECT, named)
    entry = _entry(named, improvement, summary.records()[0], summary.rows[0].withheld, language)
    starts = entry.found.starts
    chart = _chart(weeks, starts, entry.found.row_weeks) if weeks.rows else None
    return {
        "entry": entry,
        "improvement": improvement,
        "statuses": STATUS_WORDS,
        "chart": chart,
        "label_texts": [_short_day(each.day, language) for each in chart.labels] if chart else [],
        "flags": _flags(ask, weeks, entry.found) if weeks.rows else [],
        "figure": IMPROVEMENT_EFFECT,
        "table": weeks,
        "summary_figure": IMPROVEMENTS,
        "summary": summary,
        "history": _history(improvement, history),
        "made_us": ask.now_us,
        "row_weeks": entry.found.row_weeks,
        "data_end_us": _data_end_us(ask),
        "compared": "compared_points" in {column.name for column in weeks.columns}
        and any(each is not None for each in weeks.column("compared_contacts")),
        "filters_of": {"improvement": improvement.id},
    }


def _data_end_us(ask: Ask) -> int | None:
    """The end of the data, or now where they are live."""
    found = extent(ask.store)
    return None if found is None else min(found.end_us - 1, ask.now_us)


def _chart(weeks: Table, starts: Sequence[int], row_weeks: int) -> EffectChart:
    first = _day_number(str(weeks.rows[0].values[weeks.place("week")]))
    length = WEEK * row_weeks
    end = first + length * len(weeks.rows)
    placed = [((start - first) / length, day_of(start).isoformat()) for start in starts if first <= start < end]
    return effect_chart(weeks, placed)


def _short_day(day: str, language: Language) -> str:
    return language.bin_label(datetime.fromisoformat(day), "yMMMd")


def _day_number(day: str) -> int:
    return day_number(date.fromisoformat(day))


def _flags(ask: Ask, weeks: Table, found: Judged) -> list[Flag]:
    if ask.records is None:
        return []
    starts = [_day_number(str(day)) * DAY_US for day in weeks.column("week")]
    end_us = starts[-1] + WEEK * found.row_weeks * DAY_US
    services = found.scope.services
    told = {each.values.get("title") for each in found.effect.reasons if each.name == "annotation"}
    noted = ask.records.annotations.between(
        day_of(starts[0] // DAY_US), day_of(end_us // DAY_US - 1), services[0] if len(services) == 1 else None
    )
    return flags([each for each in noted if each.title in told], starts, end_us)


def _history(improvement: Improvement, earlier: Sequence[Earlier]) -> list[dict[str, Any]]:
    """Each version with the fields in which the next one differs, newest first."""
    documents: list[tuple[int, Mapping[str, Any], int]] = [
        (each.version, each.document, each.at_ms) for each in earlier
    ]
    now = structs.asdict(improvement)
    rows = []
    for place, (version, document, at_ms) in enumerate(documents):
        after = documents[place + 1][1] if place + 1 < len(documents) else now
        changed = [name for name in FIELD_WORDS if _plain(document.get(name)) != _plain(after.get(name))]
        rows.append({"version": version + 1, "at_us": at_ms * 1000, "fields": [FIELD_WORDS[name] for name in changed]})
    rows.insert(0, {"version": 1, "at_us": improvement.created_ms * 1000, "fields": []})
    return rows[::-1]


def _plain(value: Any) -> Any:
    """A value as the history keeps it: JSON."""
    return to_builtins(value)
