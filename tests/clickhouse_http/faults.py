"""Faults that a test orders from the HTTP front: a connection cut at a chosen moment, an error, a delay."""

import threading
from dataclasses import dataclass
from typing import Literal

Moment = Literal["before", "during", "after"]


@dataclass
class Fault:
    """What happens to the next `times` statements that contain `match`.

    The connection is cut `before` the statement runs, `during` it (the client knows at once, the statement runs on for
    `delay_s`, then to its end) or `after` it, instead of the answer; with `code` the statement is refused with that error.
    """

    match: str
    moment: Moment = "after"
    code: int = 0
    delay_s: float = 0.0
    times: int = 1


class Faults:
    """The faults that are ordered; each strikes as often as it says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []
        self.struck = 0

    def order(self, fault: Fault) -> None:
        """From now on."""
        with self._lock:
            self._ordered.append(fault)

    def strike(self, statement: str) -> Fault | None:
        """The fault that this statement meets, if any."""
        with self._lock:
            for fault in self._ordered:
                if fault.match in statement:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._ordered.remove(fault)
                    self.struck += 1
                    return fault
        return None
