"""Small counts in a table cannot be worked out from what the table still shows."""

import pytest

from services.insights.figures.suppression import disclosure


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([100, 50, 3], ["shown", "withheld", "few"]),
        ([100, 3, 50, 9], ["shown", "few", "shown", "few"]),
        ([100, 3, 0, None], ["withheld", "few", "shown", "shown"]),
        ([3], ["few"]),
        ([100, 10, 0], ["shown", "shown", "shown"]),
        ([], []),
    ],
    ids=["one small", "two small", "zero and unknown tell nothing", "alone", "none small", "empty"],
)
def test_a_single_small_count_takes_the_next_smallest_with_it(counts: list[int | None], expected: list[str]):
    """One hidden count could be worked out from the total; two cannot."""
    assert disclosure(counts, 10) == expected
