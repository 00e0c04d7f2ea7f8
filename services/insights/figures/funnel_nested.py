"""What of a funnel stays unshown: counts of which each is part of the one before.

Two such counts tell by their difference how many stopped in between; so a count is shown only where that difference, too, is
nobody or enough people.
"""

from collections.abc import Sequence

from services.insights.figures.suppression import is_few


def hidden_steps(counts: Sequence[int], minimum: int) -> set[int]:
    """The places of the counts (each at most the one before) that may not be shown."""
    hidden = set()
    shown: int | None = None
    for place, count in enumerate(counts):
        if is_few(count, minimum) or (shown is not None and is_few(shown - count, minimum)):
            hidden.add(place)
        else:
            shown = count
    return hidden


def hidden_parts(groups: Sequence[Sequence[int]], minimum: int) -> list[set[int]]:
    """As `hidden_steps` for several funnels that add up to a shown one: at no step is a single one hidden.

    The next smallest that is not 0 is then hidden with it.
    """
    hidden = [hidden_steps(counts, minimum) for counts in groups]
    for step in range(max((len(counts) for counts in groups), default=0)):
        without = [place for place, steps in enumerate(hidden) if step in steps]
        if len(without) == 1:
            others = [
                (counts[step], place) for place, counts in enumerate(groups) if place not in without and counts[step]
            ]
            if others:
                hidden[min(others)[1]].add(step)
    return hidden
