"""How the process that reads the past speaks to the one that folds it: a task, pieces of the past, an end; one answer."""

from collections.abc import Iterator
from typing import IO, Any, Final

from msgspec import Struct

from shared.detection.what_if import Scenario

_LENGTH_BYTES: Final = 4
MAX_FRAME_BYTES: Final = 1 << 30


class Task(Struct, frozen=True):
    """What is compared: a scenario, the resolved document in force, and up to when time has passed."""

    scenario: Scenario
    in_force: dict[str, Any]
    until_us: int


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write one frame; an empty one ends the past. Raises `OSError` when nobody reads any more."""
    stream.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(content)
    stream.flush()


def read_frames(stream: IO[bytes]) -> Iterator[bytes]:
    """The frames up to the empty one. Raises `EOFError` when the writer has gone before."""
    while True:
        head = stream.read(_LENGTH_BYTES)
        length = int.from_bytes(head, "big")
        if len(head) < _LENGTH_BYTES or length > MAX_FRAME_BYTES:
            raise EOFError
        if length == 0:
            return
        content = stream.read(length)
        if len(content) < length:
            raise EOFError
        yield content
