"""How much is measured: in full, in a few minutes, or (for the tests) hardly at all."""

from typing import Final

from msgspec import Struct


class Sizes(Struct, frozen=True, kw_only=True):
    """Repetitions, numbers of events, subjects and journeys, seconds of load.

    All engines get the same events; the slowest only the first `few_events`: it would take half an hour for all of them.
    """

    repetitions: int
    events: int
    few_events: int
    subjects: int
    gateway_s: float
    rates: tuple[int, ...]
    growth: tuple[int, ...]
    growth_events: int


FULL: Final = Sizes(
    repetitions=3,
    events=500_000,
    few_events=60_000,
    subjects=25_000,
    gateway_s=10.0,
    rates=(100, 1_000, 2_000),
    growth=(10_000, 100_000, 1_000_000),
    growth_events=100_000,
)
QUICK: Final = Sizes(
    repetitions=1,
    events=200_000,
    few_events=15_000,
    subjects=10_000,
    gateway_s=3.0,
    rates=(100, 1_000),
    growth=(10_000, 100_000),
    growth_events=20_000,
)
TINY: Final = Sizes(
    repetitions=1,
    events=3_000,
    few_events=1_000,
    subjects=60,
    gateway_s=0.5,
    rates=(50,),
    growth=(50, 500),
    growth_events=4_000,
)
