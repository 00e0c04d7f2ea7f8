"""Which counts of territories stay unshown, the same on every page of the tree: from the whole down to one office.

A page of a territory shows its count and those of its parts. What a page hides, no other page may tell: neither the part's own
page nor the sum of its parts. So it is decided once, for the whole tree, from the top down.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.insights.figures.suppression import is_few

OWN: Final = "/"
"""Ends the name of what is counted at a territory itself, where others lie below it ('/' alone: no territory given)."""


def ancestors(path: str) -> list[str]:
    """Every territory that holds a path, from the whole ('') down to the path itself."""
    names = path.split("/") if path else []
    return ["/".join(names[:length]) for length in range(len(names) + 1)]


def sums(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by path, added up for every territory that holds them."""
    found: dict[str, int] = {}
    for path, count in counts.items():
        for territory in ancestors(path):
            found[territory] = found.get(territory, 0) + count
    return found


def hidden_territories(counts: Mapping[str, int], minimum: int) -> frozenset[str]:
    """The nodes of the tree whose count may not be shown; `PATH/` (`OWN`) is what is counted at a path itself."""
    totals = sums(counts)
    below: dict[str, list[tuple[int, str]]] = {}
    for path, total in totals.items():
        if path:
            below.setdefault(path.rpartition("/")[0], []).append((total, path))
    for path, count in counts.items():
        if path in below:
            below[path].append((count, path + OWN))
    hidden = {""} if is_few(totals.get(""), minimum) else set()
    # Shorter paths come first: whether a territory is hidden is known before its parts are looked at.
    for path in sorted(below, key=lambda each: each.count("/") if each else -1):
        hidden |= hidden_parts(below[path], minimum, whole_hidden=path in hidden)
    return frozenset(hidden)


def hidden_parts(parts: Iterable[tuple[int, str]], minimum: int, *, whole_hidden: bool) -> set[str]:
    """Of the (count, name) of all parts of a whole: the few, and the smallest others that would tell them, or the whole."""
    ordered = sorted(part for part in parts if part[0])
    hidden = {name for count, name in ordered if is_few(count, minimum)}
    needed = 1 if whole_hidden else 2 if len(hidden) == 1 else 0
    for _, name in ordered:
        if len(hidden) >= needed:
            break
        hidden.add(name)
    return hidden


def hidden_cells(rows: Sequence[Sequence[int]], minimum: int, hidden_rows: Sequence[bool]) -> list[set[int]]:
    """Of counts that add up along their rows and along their columns: which places of each row stay unshown.

    No row and no column hides a single one. hidden_rows: those whose sum is not shown either hide all.
    """
    places = range(max((len(row) for row in rows), default=0))
    hidden = [
        set(places) if whole else {place for place in places if is_few(row[place], minimum)}
        for row, whole in zip(rows, hidden_rows, strict=True)
    ]
    changed = True
    while changed:
        changed = _complete_rows(rows, hidden) or _complete_columns(rows, hidden, places)
    return hidden


def _complete_rows(rows: Sequence[Sequence[int]], hidden: list[set[int]]) -> bool:
    changed = False
    for row, cells in zip(rows, hidden, strict=True):
        others = [(count, place) for place, count in enumerate(row) if count and place not in cells]
        if len({place for place in cells if row[place]}) == 1 and others:
            cells.add(min(others)[1])
            changed = True
    return changed


def _complete_columns(rows: Sequence[Sequence[int]], hidden: list[set[int]], places: range) -> bool:
    changed = False
    for place in places:
        without = [index for index, cells in enumerate(hidden) if place in cells and rows[index][place]]
        others = [(row[place], index) for index, row in enumerate(rows) if row[place] and place not in hidden[index]]
        if len(without) == 1 and others:
            hidden[min(others)[1]].add(place)
            changed = True
    return changed
