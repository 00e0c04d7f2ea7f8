"""Effects that were worked out lately: they change once a day at most, and a list of improvements shows many."""

from collections import OrderedDict
from threading import Lock
from typing import Final

from shared.journey.instants import SECOND_US

MAX_KNOWN: Final = 500
FRESH_US: Final = 300 * SECOND_US


class Effects:
    """A bounded memory that any thread may use; what is older than `FRESH_US` is worked out again."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], tuple[int, object]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[object, ...], now_us: int) -> object:
        """What is known and still fresh; else `None`."""
        with self._lock:
            at_us, found = self._known.get(key, (0, None))
            return found if 0 <= now_us - at_us < FRESH_US else None

    def keep(self, key: tuple[object, ...], now_us: int, found: object) -> None:
        """Remember it; the oldest goes where there are too many."""
        with self._lock:
            self._known[key] = (now_us, found)
            self._known.move_to_end(key)
            while len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
