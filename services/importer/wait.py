"""Waiting until what was sent can be queried: loaded, and detected."""

from typing import Final

from msgspec import Struct, field

from shared.client.http_client import ServiceClient, Sleep
from shared.client.progress import Progress
from shared.client.send import Ends
from shared.errors import ParcoursError
from shared.log.port import JOURNEY_EVENTS

FRESHNESS_PATH: Final = "/api/v1/freshness"
DETECTED: Final = "detected"
"""The stream of what is detected, its points loaded; it must come as far as the log, as must the loading of events."""
POLL_S: Final = 0.2
MAX_STANDSTILL_S: Final = 60.0


class StreamPosition(Struct, frozen=True):
    """How far a stream is queryable; before the first record there is no log yet."""

    log_id: str | None = None
    next_offsets: dict[str, int] = field(default_factory=dict)


class Freshness(Struct, frozen=True):
    """The answer of `/api/v1/freshness`."""

    streams: dict[str, StreamPosition]


def wait_until_queryable(
    analytics: ServiceClient, ends: Ends, *, sleep: Sleep, progress: Progress, standstill_s: float = MAX_STANDSTILL_S
) -> None:
    """Returns when every stream has come to `ends`.

    Raises `ParcoursError` when analytics reads another log, or nothing moves for `standstill_s`.
    """
    best, still_s, first_missing = -1, 0.0, -1
    while (missing := _missing(read_freshness(analytics), ends)) > 0:
        if first_missing < 0:
            first_missing = missing
            progress.begin("Waiting until it can be queried", missing, "records")
        if best < 0 or missing < best:
            best, still_s = missing, 0.0
            progress.advance(max(first_missing - missing, 0))
        if still_s >= standstill_s:
            raise ParcoursError(
                f"everything was sent, but {missing} records are not queryable yet and nothing moved for "
                f"{standstill_s:.0f} s; `parcours doctor` says more"
            )
        sleep(POLL_S)
        still_s += POLL_S


def read_freshness(analytics: ServiceClient) -> Freshness:
    """How far analytics is."""
    response = analytics.request("GET", FRESHNESS_PATH)
    if not response.is_success:
        raise analytics.refusal(response)
    freshness: Freshness = analytics.decoded(response, Freshness)
    return freshness


def _loaded(freshness: Freshness) -> StreamPosition:
    """Of the topic of events: on one machine its stream has the name of the writing process behind it."""
    found = [each for name, each in freshness.streams.items() if name.partition(".")[0] == JOURNEY_EVENTS]
    return found[0] if found else StreamPosition()


def _missing(freshness: Freshness, ends: Ends) -> int:
    """The records, of all streams, that are still to come."""
    missing = 0
    for position in (_loaded(freshness), freshness.streams.get(DETECTED, StreamPosition())):
        if position.log_id not in {None, ends.log_id}:
            raise ParcoursError("the analytics service reads another log than the one that was sent to")
        missing += sum(max(end - position.next_offsets.get(partition, 0), 0) for partition, end in ends.ends.items())
    return missing
