"""Counts of citizens too small to be shown, since they might tell who it was."""


def suppress(count: int, minimum: int) -> int | None:
    """The count if it may be shown, else `None`: 0 may, 1 to `minimum` - 1 may not (nor may what is no count, below 0)."""
    return count if count == 0 or (count > 0 and count >= minimum) else None
