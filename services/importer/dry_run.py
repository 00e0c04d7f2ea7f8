"""Where events go in a dry run: through the checks of a gateway, and perhaps to a file."""

from pathlib import Path
from typing import IO

from shared.client.local_check import LocalCheck
from shared.client.send import EventResult
from shared.errors import ParcoursError


class CheckedOutput:
    """Judges events, and writes those that a gateway would accept to `output`, a line each, if there is one."""

    def __init__(self, output: Path | None, now_us: int, phone_region: str) -> None:
        self._check = LocalCheck(now_us, phone_region=phone_region)
        self._output = output
        self._file: IO[bytes] | None = None
        if output is not None:
            try:
                self._file = output.open("wb")
            except OSError as error:
                raise self._failure(error) from error

    def add(self, body: bytes) -> EventResult:
        """What a gateway would answer. Raises `ParcoursError` when the output cannot be written."""
        result = self._check.check(body, utf8=True)
        if self._file is not None and result.status == "accepted":
            try:
                self._file.write(body + b"\n")
            except OSError as error:
                raise self._failure(error) from error
        return result

    def close(self) -> None:
        """Ends the file."""
        if self._file is not None:
            self._file.close()

    def _failure(self, error: OSError) -> ParcoursError:
        return ParcoursError(f"{self._output} cannot be written: {error.strerror}")
