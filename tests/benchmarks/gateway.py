"""Events a second through one gateway, each durable before its 202."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.http_load import batch_request, post_for, single_request
from tests.benchmarks.processes import gateway, processor_s
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workload import EventMaker, cloud_event, stream

BATCH_EVENTS = 500
BATCH_CONNECTIONS = 8
SINGLE_CONNECTIONS = 64
_PREPARED_EVENTS = 60_000
_SUBJECTS = 20_000
_HOUR_US = 3_600_000_000


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """Batches of 500, then one event a request."""
    events = sent_events(min(_PREPARED_EVENTS, sizes.end_to_end_events))
    batches = [batch_request(events[start : start + BATCH_EVENTS]) for start in range(0, len(events), BATCH_EVENTS)]
    singles = [single_request(event) for event in events[:5_000]]
    found = [*_measure("batches of 500", sizes, folder, batches, BATCH_EVENTS, BATCH_CONNECTIONS)]
    found[0].aim = "40,000"
    found += _measure("one by one", sizes, folder, singles, 1, SINGLE_CONNECTIONS)
    size_bytes = sum(map(len, batches)) / len(events)
    return [*found, figure("bytes an event as sent", [size_bytes], "bytes")]


def sent_events(count: int, subjects: int = _SUBJECTS, seed: int = 11, span_us: int = _HOUR_US) -> list[object]:
    """Events of the realistic mix as channels send them."""
    accounts = [f"account:{number}" for number in range(subjects)]
    maker = EventMaker(seed)
    return [cloud_event(event, event.subject or "") for event in stream(maker, accounts, count, span_us)]


def _measure(
    name: str, sizes: Sizes, folder: Path, requests: Sequence[bytes], events_each: int, connections: int
) -> list[Figure]:
    rates, used_us = [], []
    for _ in range(sizes.repetitions):
        with tempfile.TemporaryDirectory(dir=folder) as place, gateway(Path(place, "data")) as (port, pid):
            post_for(port, requests, connections, min(1.0, sizes.gateway_s))
            used_s, start_s = processor_s(pid), time.monotonic()
            events = post_for(port, requests, connections, sizes.gateway_s) * events_each
            rates.append(events / (time.monotonic() - start_s))
            used_us.append((processor_s(pid) - used_s) / events * 1e6)
    return [
        figure(f"gateway, {name}: durable", rates, "events/s"),
        figure(f"gateway, {name}: processor time of its process", used_us, "µs/event"),
    ]
