"""How far detection has come, in the time of the log: up to there no point is missing. Pure.

Gateways write a tick every second; the detector says which records it has folded. The latest tick among them is its time.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from shared.journey.instants import SECOND_US

MAX_TICKS: Final = 20_000
"""So many ticks of a partition are kept until the detector has passed them: five hours."""


class Watermark:
    """The time of detection by partition; `detected_us`: where it stood when it was kept last."""

    def __init__(self, detected_us: Mapping[int, int] | None = None) -> None:
        self._detected_us = dict(detected_us or {})
        self._ticks: dict[int, deque[tuple[int, int]]] = {}
        self._latest_us: dict[int, int] = {}

    @property
    def detected_us(self) -> Mapping[int, int]:
        """The time up to which each partition is detected."""
        return self._detected_us

    def ticked(self, partition: int, offset: int, time_us: int) -> None:
        """A tick stands at this offset."""
        self._latest_us[partition] = time_us
        ticks = self._ticks.setdefault(partition, deque(maxlen=MAX_TICKS))
        if not ticks or ticks[-1][0] < offset:
            ticks.append((offset, time_us))

    def progressed(self, partition: int, offset: int) -> None:
        """The detector has folded everything before this offset, and what it found stands before the word of it."""
        ticks = self._ticks.get(partition)
        while ticks and ticks[0][0] < offset:
            self._detected_us[partition] = ticks.popleft()[1]

    def at_us(self) -> int | None:
        """The time up to which every partition is detected; `None` while none has been heard of."""
        return min(self._detected_us.values(), default=None)

    def ticked_us(self) -> int | None:
        """The time of the latest tick, of the partition that is furthest behind; before any is read, that of detection."""
        return min(self._latest_us.values(), default=self.at_us())

    def lag_s(self) -> float:
        """How far the detector is behind the latest tick, where it is furthest behind."""
        behind = (
            latest - self._detected_us[partition]
            for partition, latest in self._latest_us.items()
            if partition in self._detected_us
        )
        return max(behind, default=0) / SECOND_US
