"""From events to the requests of several clients: shuffled within the lateness limits, repeated, in batches of any size.

Each client has journeys of its own and sends one request at a time, so that the order of arrival within a journey is the
planned one and no event is late, however long a request is tried again.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any
from zlib import crc32

from tests.strategies.arrivals import Record, random_delivery
from tests.torture.workload import Event, Identity, identity_of, subject_of

GATEWAYS = {"web": "/v1/web/events", "phone": "/v1/phone/events", "counter": "/v1/counter/events"}
ANY_SOURCE = "/v1/events"
SIZES = (1, 1, 5, 40, 200, 200, 700, 1_500)
BAD_BATCHES_PERCENT = 10

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"

Owner = tuple[str | None, str]


@dataclass(frozen=True)
class Request:
    """One request. `items` says for each event in it who it is; `None`: it is bad and must be rejected.

    `bad` holds the SHA-256 of each bad event.
    """

    path: str
    content_type: str
    body: bytes
    items: Sequence[Identity | None]
    bad: Sequence[str]


@dataclass
class _Open:
    """The events gathered for one gateway, and whose journeys they are."""

    size: int
    events: list[Event] = field(default_factory=list)
    owners: set[Owner] = field(default_factory=set)


def requests_of_clients(
    seed: int, events: Sequence[Event], clients: int, lateness_s: Callable[[str], float]
) -> list[list[Request]]:
    """The requests of each client in the order they are to be sent."""
    lanes: list[list[Event]] = [[] for _ in range(clients)]
    for event in events:
        lanes[crc32(repr((seed, _owner(event))).encode()) % clients].append(event)
    return [
        list(_requests(Random(f"{seed} {number}"), number, _arrivals(f"{seed} {number}", lane, lateness_s)))
        for number, lane in enumerate(lanes)
    ]


def _arrivals(seed: str, events: list[Event], lateness_s: Callable[[str], float]) -> Iterator[Event]:
    """The events in an order of arrival in which none is late, with repetitions."""
    delivery = random_delivery(crc32(seed.encode()), events, lateness_s)
    return (event for item in delivery.items if isinstance(item, Record) for event in item.events)


def _requests(chance: Random, client: int, order: Iterator[Event]) -> Iterator[Request]:
    """Cut an order of arrival into requests to several gateways; the order within a journey stays."""
    opened: dict[str, _Open] = {}
    for event in order:
        owner, path = _owner(event), _gateway(event)
        for other in [each for each, batch in opened.items() if each != path and owner in batch.owners]:
            yield _request(chance, client, other, opened.pop(other).events)
        batch = opened.setdefault(path, _Open(chance.choice(SIZES)))
        batch.events.append(event)
        batch.owners.add(owner)
        if len(batch.events) >= batch.size:
            yield _request(chance, client, path, opened.pop(path).events)
    for path, batch in opened.items():
        yield _request(chance, client, path, batch.events)


def _owner(event: Event) -> Owner:
    return subject_of(event), event["data"]["service"]


def _gateway(event: Event) -> str:
    """Half the events of a channel go to the gateway of the channel, the same ones each time they come."""
    own = crc32(repr(identity_of(event)).encode()) % 2
    return GATEWAYS.get(event["data"].get("channel"), ANY_SOURCE) if own else ANY_SOURCE


def _request(chance: Random, client: int, path: str, events: Sequence[Event]) -> Request:
    items: list[tuple[bytes, Identity | None]] = [(_encoded(event, path), identity_of(event)) for event in events]
    if chance.random() * 100 < BAD_BATCHES_PERCENT:
        for _ in range(chance.randint(1, 3)):
            bad = json.dumps(_bad_event(chance, f"bad-{client}-{chance.getrandbits(64):x}")).encode()
            items.insert(chance.randint(0, len(items)), (bad, None))
    bodies = [body for body, _ in items]
    content_type = chance.choice([BATCH, NDJSON, SINGLE] if len(items) == 1 else [BATCH, NDJSON])
    body = b"[" + b",".join(bodies) + b"]" if content_type == BATCH else b"\n".join(bodies)
    return Request(
        path,
        content_type,
        body,
        [identity for _, identity in items],
        [sha256(body).hexdigest() for body, identity in items if identity is None],
    )


def _encoded(event: Event, path: str) -> bytes:
    """The event as JSON; the channel's own gateway knows the channel."""
    data = event["data"] if path == ANY_SOURCE else {**event["data"], "channel": ""}
    return json.dumps({"specversion": "1.0", **event, "data": data}, ensure_ascii=False).encode()


def _bad_event(chance: Random, event_id: str) -> dict[str, Any]:
    """An event that is refused, whatever else is in its request."""
    good: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/bad",
        "type": "contact.made",
        "time": "2021-03-04T05:06:07Z",
        "subject": "somebody",
        "data": {"service": "aid"},
    }
    wrong: list[dict[str, Any]] = [
        {"data": {}},
        {"data": {"service": "aid", "channel": "pigeon"}},
        {"time": "2021-03-04T05:06:07"},
        {"time": "9000-01-01T00:00:00Z"},
        {"type": "clock.ticked"},
        {"specversion": "0.3"},
    ]
    return good | chance.choice(wrong)
