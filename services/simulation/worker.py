"""The process that folds: frames on its standard input, the comparison as JSON on its standard output.

It knows no store and no log, and runs at a low priority: pages come first. It ends when its input does.
"""

import os
import sys
from itertools import groupby
from typing import IO, Final

import msgspec

from services.simulation.frames import Task, read_frames
from shared.detection.occurrence import Arrival, decode_arrivals
from shared.detection.what_if import Comparing, Comparison

_NICENESS: Final = 10


def compare(stream: IO[bytes]) -> Comparison:
    """The comparison that the frames ask for. Raises `EOFError`, `DetectionError`."""
    frames = read_frames(stream)
    first = next(frames, None)
    if first is None:
        raise EOFError
    task = msgspec.json.decode(first, type=Task)
    comparing = Comparing(task.scenario, task.in_force, task.until_us)
    for frame in frames:
        for (service, _), events in groupby(decode_arrivals(frame), key=_group):
            comparing.add(service, list(events))
    return comparing.result


def _group(event: Arrival) -> tuple[str, str]:
    return event.data.service, event.subject or ""


def main() -> None:
    """Read a task and its past, answer once."""
    os.nice(_NICENESS)
    try:
        result = compare(sys.stdin.buffer)
    except EOFError:  # cancelled, or the platform stops
        sys.exit(1)
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
