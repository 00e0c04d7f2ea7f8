"""How an import tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Shows one phase after another."""

    def begin(self, phase: str, total: int, unit: str) -> None:
        """A phase of `total` units (`B`, `events`, `records`) begins, and ends the one before."""

    def advance(self, done: int) -> None:
        """So many units of the phase are done in all."""

    def end(self) -> None:
        """The last phase is over."""


class NoProgress:
    """Shows nothing."""

    def begin(self, phase: str, total: int, unit: str) -> None:
        """Nothing."""

    def advance(self, done: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""
