"""Channel flows: by which channels journeys go on, visit after visit, and how many stay on the channel they began on."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, Final

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.flows_queries import (
    CONTINUES,
    ENDED,
    POSITIONS,
    STARTED,
    UNKNOWN,
    visits,
    visits_by_name,
)
from services.insights.figures.journey_filters import journey_notes
from services.insights.figures.map_protection import hidden_cells
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Row, Table
from services.insights.language import N_

ENDS: Final = {
    STARTED: N_("Journey begins"),
    ENDED: N_("no further visit"),
    CONTINUES: N_("more visits"),
}
"""What pages call what stands before the first visit, after the last, and beyond those looked at."""

_JOURNEYS: Final = Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True)


def _table(ask: Ask, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]], hidden: Sequence[bool]) -> Table:
    """The rows, of which some hide their number of journeys; these come last, so that the order tells nothing."""
    shown = [
        Row(values, frozenset({"journeys"}) if each else frozenset())
        for values, each in zip(rows, hidden, strict=True)
    ]  # fmt: skip
    ordered = sorted(shown, key=lambda row: bool(row.withheld))
    return Table(columns=columns, rows=tuple(ordered), whole=False, notes=journey_notes(ask.filters))


def _visits(ask: Ask) -> list[dict[str, Any]]:
    """By the numbers of the channels, which tell all that gateways take; else by their names."""
    found = answer(ask.store, visits(ask.filters))
    if any(UNKNOWN in {each["origin"], each["target"]} for each in found):
        return answer(ask.store, visits_by_name(ask.filters))
    return found


def _flows(ask: Ask) -> Table:
    columns = (
        Column(name="position", title=N_("Visit"), kind="count"),
        Column(name="from_channel", title=N_("From channel"), kind="channel", words=ENDS),
        Column(name="to_channel", title=N_("To channel"), kind="channel", words=ENDS),
        _JOURNEYS,
    )
    counts: dict[tuple[int, str, str], int] = defaultdict(int)
    for each in _visits(ask):
        goes_on = each["position"] == POSITIONS and each["target"] != ENDED
        target = CONTINUES if goes_on else each["target"]
        counts[int(each["position"]), each["origin"], target] += int(each["passages"])
    sums: dict[Hashable, list[Hashable]] = {}
    for position, origin, target in counts:
        # What reaches a channel at a position is what leaves it there.
        sums.setdefault((position, origin), []).append((position, origin, target))
        sums.setdefault((position + 1, target), []).append((position, origin, target))
    hidden = hidden_cells(counts, sums.values(), ask.small_cell_min)
    links = sorted(counts, key=lambda link: (link[0], -counts[link] if link not in hidden else 0, link))
    shown = sorted(links, key=lambda link: (link in hidden, link[0]))
    return _table(ask, columns, [(*link, counts[link]) for link in shown], [link in hidden for link in shown])


def _next(ask: Ask) -> Table:
    columns = (
        Column(name="channel", title=N_("Channel"), kind="channel"),
        Column(name="next", title=N_("Next visit by"), kind="channel", words=ENDS),
        Column(name="visits", title=N_("Visits"), kind="count", of="journeys"),
        _JOURNEYS,
        Column(name="share", title=N_("Share of the channel’s visits"), kind="share", of="journeys"),
    )
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in _visits(ask):
        if each["position"]:
            found[each["origin"], each["target"]] += Counter(
                visits=int(each["passages"]), journeys=int(each["journeys"])
            )  # fmt: skip
    totals = Counter[str]()
    for (origin, _), each in found.items():
        totals[origin] += each["visits"]
    sums: dict[Hashable, list[Hashable]] = {}
    for origin, target in found:
        sums.setdefault(("from", origin), []).append((origin, target))
        sums.setdefault(("to", target), []).append((origin, target))
    hidden = hidden_cells(
        {pair: int(each["journeys"]) for pair, each in found.items()}, sums.values(), ask.small_cell_min
    )
    pairs = sorted(
        found,
        key=lambda pair: (
            pair in hidden,
            -totals[pair[0]],
            pair[0],
            0 if pair in hidden else -found[pair]["visits"],
            pair,
        ),
    )
    rows = [
        (*pair, int(each["visits"]), int(each["journeys"]), int(each["visits"]) / totals[pair[0]])
        for pair in pairs
        if (each := found[pair])
    ]
    return _table(ask, columns, rows, [pair in hidden for pair in pairs])


def _containment(ask: Ask) -> Table:
    columns = (
        Column(name="channel", title=N_("First visit by"), kind="channel"),
        _JOURNEYS,
        Column(
            name="contained", title=N_("Stayed on it"), kind="count", small_cells=True, of="used_another"
        ),
        Column(
            name="used_another", title=N_("Used another too"), kind="count", small_cells=True, of="contained"
        ),
        Column(name="share", title=N_("Containment"), kind="share", of="contained"),
    )  # fmt: skip
    begun = [row for row in _visits(ask) if not row["position"] and row["target"] != ENDED]
    found = sorted(begun, key=lambda row: (-row["passages"], row["target"]))
    counts = {row["target"]: int(row["passages"]) for row in found}
    hidden = hidden_cells(counts, [list(counts)], ask.small_cell_min)
    rows = []
    for each in found:
        journeys, contained = int(each["passages"]), int(each["contained"])
        values = (each["target"], journeys, contained, journeys - contained, contained / journeys)
        rows.append(Row(values, frozenset({"journeys", "contained"} if each["target"] in hidden else ())))
    return Table(columns=columns, rows=tuple(rows), whole=False, notes=journey_notes(ask.filters))


CHANNEL_FLOWS: Final = Figure(
    name="channel-flows",
    title=N_("Journeys by the channels of their first visits"),
    definition=N_(
        "Of the journeys that began in the period, by which channel each of the first five visits came and by which the next."
        " A visit is a run of events on one channel, at most 30 minutes apart and of one contact. Journeys without an event"
        " that names a channel have no visit."
    ),
    compute=_flows,
)
CHANNEL_NEXT: Final = Figure(
    name="channel-next",
    title=N_("Where each channel’s journeys go next"),
    definition=N_(
        "Of the first five visits of each journey, by channel, the channel of the next visit, or none so far."
    ),
    compute=_next,
)
CHANNEL_CONTAINMENT: Final = Figure(
    name="channel-containment",
    title=N_("Journeys that stay on the channel they began on"),
    definition=N_("Share of the journeys whose first visit came by a channel and that never used another one so far."),
    compute=_containment,
)

FIGURES: Final = (CHANNEL_FLOWS, CHANNEL_NEXT, CHANNEL_CONTAINMENT)
