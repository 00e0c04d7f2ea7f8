"""Which gateway process writes the log's time and rule settings: one of all."""

from typing import Protocol


class ClockDuty(Protocol):
    """Asked every second, in a thread of its own. Raises `ParcoursError` when it cannot be known; then nothing is written."""

    def held(self) -> bool:
        """Whether it is this process now."""

    def rules_are_published(self) -> bool:
        """For the other processes: whether the log has rule settings, without which nothing may be accepted."""


class AlwaysOnDuty:
    """The only gateway process there is."""

    def held(self) -> bool:
        return True

    def rules_are_published(self) -> bool:
        return True
