"""The figures of the friction board and its pages, together."""

from typing import Final

from services.insights.figures import frictions_after, frictions_board, frictions_places, frictions_rule

FIGURES: Final = (
    frictions_board.FRICTION_BOARD,
    frictions_board.FRICTION_SERIES,
    *frictions_rule.FIGURES,
    frictions_places.CONCENTRATION,
    frictions_after.WHAT_FOLLOWS,
)
