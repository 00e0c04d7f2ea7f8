"""The main menu: address and title of each page, in the order of a designer's questions."""

from typing import Final

from msgspec import Struct

from services.insights.language import N_


class Entry(Struct, frozen=True):
    """One entry: the address of its page, and its title (a message)."""

    path: str
    title: str

    def holds(self, path: str) -> bool:
        """Whether a page of this address belongs to this entry."""
        return path == self.path or (self.path != "/" and path.startswith(self.path + "/"))


ALERTS: Final = "/alerts"
"""Not on the menu of a site that has none."""
MENU: Final = (
    Entry("/", N_("Overview")),
    Entry(ALERTS, N_("Alerts")),
    Entry("/map", N_("Journey map")),
    Entry("/flows", N_("Channel flows")),
    Entry("/funnel", N_("Funnel")),
    Entry("/frictions", N_("Friction points")),
    Entry("/journeys", N_("One journey")),
    Entry("/compare", N_("Compare")),
    Entry("/what-if", N_("What if")),
    Entry("/territories", N_("Territories")),
    Entry("/improvements", N_("Improvements")),
    Entry("/data", N_("State of the data")),
    Entry("/rules", N_("Rules")),
)
