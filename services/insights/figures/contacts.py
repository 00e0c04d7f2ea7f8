"""Contacts and online steps: how many, by which channel, along time."""

from typing import Final

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.summaries import activity_over_time
from services.insights.figures.table import Column, Table, table
from services.insights.language import N_
from services.insights.problems import Problem
from services.insights.sums import BINS
from shared.journey.instants import to_text


def _over_time(ask: Ask) -> Table:
    unit = ask.parameter("unit") or "month"
    if unit not in BINS:
        raise Problem(422, "invalid-unit", N_("“unit” must be one of: %(allowed)s."), allowed=", ".join(BINS))
    return table(
        (
            Column(name="start", title=N_("Period from"), kind="day" if unit != "hour" else "text"),
            Column(name="channel", title=N_("Channel"), kind="channel"),
            Column(name="events", title=N_("Contacts and steps"), kind="count"),
        ),
        [
            (to_text(start)[: 16 if unit == "hour" else 10], channel, events)
            for start, channel, events in activity_over_time(ask.store, unit, ask.filters)
        ],
    )


CONTACTS_OVER_TIME: Final = Figure(
    name="contacts-over-time",
    title=N_("Contacts and online steps by channel over time"),
    definition=N_(
        "Events of citizens: contacts, steps in online forms, complaints, by the channel that received them."
    ),
    parameters=(
        Parameter("unit", f"How time is divided: {', '.join(f'`{unit}`' for unit in BINS)}; `month` if left out."),
    ),
    compute=_over_time,
)

FIGURES: Final = (CONTACTS_OVER_TIME,)
