"""The three processes of `parcours run`: events a second from POST to queryable, and how long that takes at half of it.

An event is queryable when the loader has inserted it, and its points are when the loader has passed the detector's word that
the event's record is folded. The freshness API tells both; a position is written after the rows it speaks of.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from shared.log.local import LocalLogReader
from tests.benchmarks.gateway import BATCH_CONNECTIONS, BATCH_EVENTS, sent_events
from tests.benchmarks.http_load import batch_request, post_at_rate, post_once
from tests.benchmarks.processes import processor_s
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.run.platform import Platform, running

STREAM = "journey-events.ingest"
DETECTED = "detected"
LATENCY_BATCH_EVENTS = 100
LIMIT_S = 600.0
_POLL_S = 0.05


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """Throughput, then the delay at half of it."""
    events = sent_events(sizes.end_to_end_events, sizes.end_to_end_subjects)
    starts = range(0, len(events), BATCH_EVENTS)
    requests = [batch_request(events[start : start + BATCH_EVENTS]) for start in starts]
    runs = [_throughput(folder, requests, len(events)) for _ in range(sizes.repetitions)]
    rate = statistics.median(rate for rate, _ in runs)
    found = [figure("end to end: POST to events and points queryable", [rate for rate, _ in runs], "events/s")]
    for service in runs[0][1]:
        used_us = [used[service] for _, used in runs]
        found.append(figure(f"end to end: processor time of {service}", used_us, "µs/event"))
    return found + _delays(sizes, folder, rate / 2)


class Freshness:
    """Asks a platform how far it is."""

    def __init__(self, platform: Platform) -> None:
        self._client = httpx.Client(base_url=platform.people, timeout=60)

    def next_offset(self, stream: str) -> int:
        """The next offset of `journey-events` that is not yet loaded, or, of `detected`, not yet detected and loaded."""
        return self.next_offsets().get(stream, 0)

    def next_offsets(self) -> dict[str, int]:
        """The same for all streams."""
        streams = self._client.get("/api/v1/freshness").raise_for_status().json()["streams"]
        return {name: min(each["next_offsets"].values()) for name, each in streams.items()}

    def events(self) -> int:
        """The events that a query counts."""
        answer = self._client.get("/api/v1/events/summary", params={"group_by": "type"})
        return sum(row["events"] for row in answer.raise_for_status().json()["rows"])

    def close(self) -> None:
        """End the connection."""
        self._client.close()


@contextmanager
def platform_with_log(folder: Path) -> Iterator[tuple[Platform, Freshness, LocalLogReader]]:
    """An empty platform that runs, how far it is, and a reader of its log."""
    with tempfile.TemporaryDirectory(dir=folder) as place, running(Path(place, "data").resolve()) as platform:
        freshness = Freshness(platform)
        reader = LocalLogReader(platform.folder / "log" / f"{STREAM}.sqlite", STREAM)
        try:
            yield platform, freshness, reader
        finally:
            reader.close()
            freshness.close()


def _throughput(folder: Path, requests: list[bytes], events: int) -> tuple[float, dict[str, float]]:
    """Events a second from the first POST until all can be queried; processor microseconds an event by service."""
    with platform_with_log(folder) as (platform, freshness, reader):
        services = platform.children()
        before_s = {name: processor_s(pid) for name, pid in services.items()}
        start_s = time.monotonic()
        post_once(int(platform.settings["ingest_port"]), requests, BATCH_CONNECTIONS)
        end = reader.ends()[0]
        while min(freshness.next_offset(STREAM), freshness.next_offset(DETECTED)) < end:
            if time.monotonic() - start_s > LIMIT_S:
                raise TimeoutError("what was posted could not be queried in time")
            time.sleep(_POLL_S)
        taken_s = time.monotonic() - start_s
        _check_count(freshness, events)
        used_us = {name: (processor_s(pid) - before_s[name]) / events * 1e6 for name, pid in services.items()}
    return events / taken_s, used_us


def _check_count(freshness: Freshness, events: int) -> None:
    counted = freshness.events()
    if counted != events:
        raise RuntimeError(f"{events} events were posted, {counted} are counted")


class _Watch(threading.Thread):
    """Notes when which offset was seen to be queryable."""

    def __init__(self, freshness: Freshness) -> None:
        super().__init__(daemon=True)
        self._freshness = freshness
        self.seen: list[tuple[float, dict[str, int]]] = []
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(_POLL_S):
            offsets = self._freshness.next_offsets()
            self.seen.append((time.monotonic(), offsets))

    def reached_s(self, stream: str, offset: int) -> float:
        """When the stream was first seen to have passed the offset."""
        return next(at_s for at_s, offsets in self.seen if offsets.get(stream, 0) >= offset)

    def await_offset(self, offset: int) -> None:
        """Wait until both streams have passed the offset."""
        deadline_s = time.monotonic() + LIMIT_S
        while not self.seen or min(self.seen[-1][1].get(name, 0) for name in (STREAM, DETECTED)) < offset:
            if time.monotonic() > deadline_s or not self.is_alive():
                raise TimeoutError("what was posted could not be queried in time")
            time.sleep(_POLL_S)


def _delays(sizes: Sizes, folder: Path, rate: float) -> list[Figure]:
    """Seconds from the instant at which a batch is due to be posted until it, and its points, can be queried."""
    count = max(int(rate * sizes.latency_s) // LATENCY_BATCH_EVENTS, 5)
    events = sent_events(count * LATENCY_BATCH_EVENTS, sizes.end_to_end_subjects, seed=12)
    starts = range(0, len(events), LATENCY_BATCH_EVENTS)
    requests = [batch_request(events[start : start + LATENCY_BATCH_EVENTS]) for start in starts]
    with platform_with_log(folder) as (platform, freshness, reader):
        watch = _Watch(freshness)
        watch.start()
        posted: list[tuple[float, int]] = []
        post_at_rate(
            int(platform.settings["ingest_port"]),
            requests,
            BATCH_CONNECTIONS,
            rate / LATENCY_BATCH_EVENTS,
            lambda due_s: posted.append((due_s, reader.ends()[0])),
        )
        watch.await_offset(posted[-1][1])
        watch.stop.set()
        watch.join()
    found = [figure("delay: load while it was measured", [rate], "events/s")]
    for name, streams in (("an event is queryable", (STREAM,)), ("its points are queryable too", (STREAM, DETECTED))):
        delays = [max(watch.reached_s(stream, end) for stream in streams) - due_s for due_s, end in posted]
        percentiles = statistics.quantiles(delays, n=100, method="inclusive")
        found += [
            figure(f"delay: POST until {name}, 50th percentile", [percentiles[49]], "s"),
            figure(f"delay: POST until {name}, 99th percentile", [percentiles[98]], "s", aim="under 2"),
        ]
    return found
