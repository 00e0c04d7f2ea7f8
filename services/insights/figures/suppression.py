"""Which counts of a table stay unshown so that nobody can be recognised.

A count from 1 to below the limit is never shown. Where the table hides a single one, the total would give it away: the
next smallest is then hidden with it (complementary suppression, in its simplest form).
"""

from collections.abc import Sequence
from typing import Literal

Shown = Literal["shown", "few", "withheld"]


def is_few(count: int | None, limit: int) -> bool:
    """Whether a count is too small to be shown; 0 and what is not known are not."""
    return count is not None and 0 < count < limit


def disclosure(counts: Sequence[int | None], limit: int) -> list[Shown]:
    """How each count of one column may appear: as it is, as `few`, or `withheld` to protect a single small one."""
    found: list[Shown] = ["few" if is_few(count, limit) else "shown" for count in counts]
    if found.count("few") == 1:
        others = [(count, place) for place, count in enumerate(counts) if count and found[place] == "shown"]
        if others:
            found[min(others)[1]] = "withheld"
    return found
