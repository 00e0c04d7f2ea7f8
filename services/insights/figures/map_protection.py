"""Which counts of a network stay unshown: small ones, and enough of the others that no sum gives a small one away.

At a node, what comes in and what goes out both add up to the node's own count, which is shown too. A sum with a single
hidden member tells it; so its next smallest member is hidden with it, and so on until no sum does.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.insights.figures.suppression import is_few


def hidden_cells(counts: Mapping[Any, int], sums: Iterable[Sequence[Any]], minimum: int) -> frozenset[Any]:
    """The cells (anything hashable) to hide: counts from 1 to `minimum` - 1, and complements.

    sums: cells of which one follows from the others, whether a total stands among them or is known elsewhere. A cell that
    is all of such a sum is known anyway, so another is rather hidden in its place.
    """
    hidden = {cell for cell, count in counts.items() if is_few(count, minimum)}
    members = [[cell for cell in dict.fromkeys(cells) if counts[cell]] for cells in sums]
    alone = {cells[0] for cells in members if len(cells) == 1}
    found = bool(hidden)
    while found:
        found = False
        for cells in members:
            if sum(cell in hidden for cell in cells) == 1:
                others = [
                    (cell in alone, counts[cell], place) for place, cell in enumerate(cells) if cell not in hidden
                ]
                if others:
                    hidden.add(cells[min(others)[2]])
                    found = True
    return frozenset(hidden)
