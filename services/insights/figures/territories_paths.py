"""Territories as paths: what lies directly below one, and where it begins to differ."""

from collections.abc import Iterable


def is_within(path: str, within: str) -> bool:
    """Whether a path is `within`, or lies below it ('' is the whole)."""
    return not within or path == within or path.startswith(within + "/")


def child_of(path: str, within: str) -> str:
    """The part directly below `within` that a path belongs to; `within` itself where the path goes no further."""
    if not within:
        return path.partition("/")[0]
    below = path[len(within) + 1 :].partition("/")[0]
    return f"{within}/{below}" if below else within


def forked(paths: Iterable[str], within: str) -> str:
    """`within`, or the territory below it down to which all paths are the same: there the parts begin to differ.

    Paths that are no deeper, and '' (not given), do not count.
    """
    known = [path for path in paths if path and is_within(path, within)]
    while True:
        parts = {child_of(path, within) for path in known} - {within}
        if len(parts) != 1:
            return within
        (only,) = parts
        if not any(child_of(path, only) != only for path in known if is_within(path, only)):
            return within
        within = only
