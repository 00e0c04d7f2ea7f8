"""Suppressing small counts of citizens."""

import pytest

from shared.privacy.small_cells import suppress


@pytest.mark.parametrize(
    ("count", "minimum", "shown"),
    [(0, 10, 0), (1, 10, None), (9, 10, None), (10, 10, 10), (11, 10, 11), (1, 1, 1), (1, 0, 1), (0, 0, 0), (1, 2, None),
     (-1, 10, None), (-1, 0, None), (-20, 10, None)],
)  # fmt: skip
def test_counts_below_the_minimum_are_not_shown(count: int, minimum: int, shown: int | None) -> None:
    """Zero and counts from the minimum on are shown, those between and what is no count are not."""
    assert suppress(count, minimum) == shown
