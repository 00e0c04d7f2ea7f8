"""Whether a service that has no port still lives: its heartbeat must go on."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from services.supervisor.child import Child

SILENCE_LIMIT_S: Final = 30.0
_LOOK_INTERVAL_S: Final = 1.0


class Heartbeats:
    """Watches that the heartbeat of a service changes; its own time is not believed, since clocks are set."""

    def __init__(
        self,
        read: Callable[[str], Mapping[str, object] | None],
        limit_s: float = SILENCE_LIMIT_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` gives the last heartbeat of a service by its name, `None` for one that has none."""
        self._read = read
        self._limit_s = limit_s
        self._clock_s = clock_s
        self._looked_s: dict[str, float] = {}
        self._changed: dict[str, tuple[Mapping[str, object], float]] = {}

    def is_silent(self, child: Child) -> bool:
        """Whether the process has begun its work, and given no sign for longer than the limit."""
        now_s = self._clock_s()
        if now_s - self._looked_s.get(child.name, -_LOOK_INTERVAL_S) < _LOOK_INTERVAL_S:
            return False
        self._looked_s[child.name] = now_s
        heartbeat = self._read(child.name)
        if heartbeat is None or heartbeat.get("pid") != child.pid:
            self._changed.pop(child.name, None)
            return False
        known = self._changed.get(child.name)
        if known is None or known[0] != heartbeat:
            self._changed[child.name] = heartbeat, now_s
            return False
        return now_s - known[1] > self._limit_s
