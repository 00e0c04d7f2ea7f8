"""The first start shows real data: the Kansas City requests, sent through the normal way by `parcours import`."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from services.supervisor.child import CannotStart
from services.wiring.folder import read_json, write_json

NAME: Final = "Kansas City 311"

Outcome = Literal["running", "loaded", "failed"]


def is_due(marker: Path, wanted: bool) -> bool:
    """Whether the data should be loaded now.

    The marker says how it ended: loaded, or declined because the first start did not want it. Without a marker it was
    never started, or did not come to its end: the same ids are sent again then, and count once.
    """
    if read_json(marker) is not None:
        return False
    if not wanted:
        write_json(marker, {"data": NAME, "state": "declined"})
    return wanted


class DemoLoad:
    """The import under way, as a process with the terminal's output, for its progress bar."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], marker: Path) -> None:
        """Raises `CannotStart`."""
        self._marker = marker
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                list(command), env=dict(environment), stdin=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise CannotStart(f"the import cannot be started with {command[0]}: {error.strerror}") from error

    def outcome(self) -> Outcome:
        """How the import stands; the marker is written once it is complete."""
        status = self._process.poll()
        if status is None:
            return "running"
        if status != 0:
            return "failed"
        if read_json(self._marker) is None:
            write_json(self._marker, {"data": NAME, "state": "loaded"})
        return "loaded"

    def stop(self) -> None:
        """End the import where it stands; the next start resumes it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
