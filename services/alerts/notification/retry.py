"""When what did not arrive is tried again, and when a receiver is left alone for a while."""

from collections.abc import Callable
from typing import Final, Literal

from shared.journey.instants import SECOND_US

Random = Callable[[], float]
"""A number from 0 to 1, evenly spread."""

FIRST_S: Final = 1.0
LONGEST_S: Final = 900.0
OPENS_AFTER: Final = 5
"""Failures in a row after which a receiver is left alone."""
FIRST_PAUSE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 300.0

_MOST_DOUBLINGS: Final = 20


def delay_us(tries: int, random: Random) -> int:
    """How long to wait after so many failures of one message: doubled each time up to a bound, the later half of it by chance
    so that receivers are not all tried at once.
    """
    full = min(FIRST_S * 2.0 ** min(max(tries, 1) - 1, _MOST_DOUBLINGS), LONGEST_S)
    return round(full * (0.5 + 0.5 * random()) * SECOND_US)


class Circuit:
    """Whether a receiver is tried: not for a while after several failures in a row, and then once.

    The pause doubles as long as that one try fails, up to a bound. A clock that was set back cannot lengthen it.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._until_us: int | None = None

    def until_us(self, now_us: int) -> int | None:
        """Until when the receiver is left alone; `None` when it may be tried."""
        if self._until_us is None or now_us >= self._until_us:
            return None
        return None if self._until_us - now_us > LONGEST_PAUSE_S * SECOND_US else self._until_us

    def state(self, now_us: int) -> Literal["closed", "open", "half_open"]:
        """`closed`: all is tried; `open`: nothing is; `half_open`: one message will be."""
        if self._until_us is None:
            return "closed"
        return "open" if self.until_us(now_us) is not None else "half_open"

    def succeeded(self) -> None:
        """The receiver answered."""
        self.failures, self._until_us = 0, None

    def failed(self, now_us: int) -> None:
        """It did not."""
        self.failures += 1
        beyond = self.failures - OPENS_AFTER
        if beyond >= 0:
            pause_s = min(FIRST_PAUSE_S * 2.0 ** min(beyond, _MOST_DOUBLINGS), LONGEST_PAUSE_S)
            self._until_us = now_us + round(pause_s * SECOND_US)
