"""The port of a way to reach a receiver."""

from collections.abc import Sequence
from typing import Protocol

from services.alerts.notification.message import Message


class Channel(Protocol):
    """Takes messages to one receiver. Called by one thread at a time, which it blocks for a bounded time."""

    @property
    def repeat_s(self) -> int | None:
        """How often the receiver wants to be told again of what is active; `None`: never."""

    def send(self, message: Message, now_us: int) -> None:
        """Send it once. Raises `NotDelivered`."""

    def send_again(self, messages: Sequence[Message], now_us: int) -> None:
        """Tell again what is active. Raises `NotDelivered`. Called only where `repeat_s` is set."""

    def close(self) -> None:
        """Release what it holds."""


class OnceOnly:
    """What channels share whose receivers need telling once."""

    @property
    def repeat_s(self) -> int | None:
        """Never."""
        return None

    def send_again(self, messages: Sequence[Message], now_us: int) -> None:
        """Nothing is told again."""

    def close(self) -> None:
        """Nothing is held."""
