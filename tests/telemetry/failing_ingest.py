"""A gateway in which everything goes wrong, as a process: defects that quote what came, and a log that refuses.

Arguments: a folder and the collector's address; with `leak` a span is made to tell the subject. It writes its logs to
standard error and its metrics to standard output.
"""

import sys
from pathlib import Path
from typing import Any

from services.wiring.signals import signals
from shared.errors import LogUnavailable
from shared.ingest.gateway import Gateway
from shared.log.port import Record
from shared.settings import Settings
from shared.telemetry import configure_logging, tracing
from tests.ingest.examples import batch, event
from tests.ingest.parts import open_log, serve
from tests.telemetry.canaries import CANARIES


class RefusingLog:
    """A log that can be made to fail, with the record's text in what it raises."""

    def __init__(self, folder: Path) -> None:
        self._log = open_log(folder)
        self.partitions = self._log.partitions
        self.raises: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, records: list[Record]) -> list[int]:
        if self.raises is not None:
            raise self.raises
        return self._log.append(records)


def scrub(text: str) -> str:
    """Fails on what it is given, and says so."""
    raise ValueError(f"cannot scrub {text} of {CANARIES.raised}")


def main(folder: Path, endpoint: str, *, leak: bool) -> None:
    """Send what fails in every way."""
    configure_logging("ingest", sys.stderr)
    log = RefusingLog(folder)
    with signals("ingest", Settings(otlp_endpoint=endpoint)), serve(folder, scrub=scrub, events_log=log) as served:
        served.client.headers["connection"] = "close"  # after a defect the server closes it anyway
        if leak:
            make_a_leak()
        sent = batch(event(subject=CANARIES.subject))
        assert served.post(sent).status_code == 202
        assert served.post(batch(event(subject=CANARIES.email, data_comment=CANARIES.comment))).status_code == 500
        log.raises = LogUnavailable("the log is away")
        assert served.post(sent).status_code == 503
        log.raises = RuntimeError(f"a defect with {CANARIES.raised}")
        assert served.post(sent).status_code == 503
        assert served.client.get(f"/{CANARIES.path}").status_code == 404
        log.raises = None
        print(served.client.get("/metrics").text)


def make_a_leak() -> None:
    """Let every request's span tell a subject, past the allow-list."""
    started = Gateway.receive

    async def receive(*given: Any) -> Any:
        span = tracing._current.get()
        assert span is not None
        assert span._span is not None
        span._span.set_attribute("subject", CANARIES.subject)
        return await started(*given)

    Gateway.receive = receive  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], leak="leak" in sys.argv[3:])
