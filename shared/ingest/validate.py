"""Judging one event: from its JSON text to the event that is stored, encoded, or a typed refusal.

The path that every event takes is kept short; what is rare is in functions of its own.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import msgspec

from shared.errors import ConfigurationError
from shared.ingest.incoming import Incoming, Refused, read_incoming
from shared.journey.event import SHARDS, Event, EventData, partition_of
from shared.journey.instants import from_us, to_text
from shared.journey.vocabulary import CHANNELS, CONTROL_TYPES, EVENT_TYPES, TYPE_PREFIX
from shared.privacy.pseudonyms import InvalidSubject

MAX_EVENT_BYTES: Final = 65_536
MAX_AHEAD: Final = timedelta(minutes=10)
_MAX_COMMENT_CHARS: Final = 16_384
_REMEMBERED_SUBJECTS: Final = 65_536
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_DUE: Final = datetime(2300, 1, 1, tzinfo=UTC)
"""Beyond it the events table cannot hold a time (ClickHouse `DateTime64(6)`)."""

_CHANNELS: Final = frozenset(CHANNELS)
_KNOWN_TYPES: Final = {name: name for name in EVENT_TYPES} | {TYPE_PREFIX + name: name for name in EVENT_TYPES}
_JSON_TYPES: Final = frozenset({"application/json", "text/json"})
_encode: Final = msgspec.json.Encoder().encode


class SubjectKeys(Protocol):
    """What keys subjects: `shared.privacy.pseudonyms.Pseudonymiser`."""

    def pseudonym(self, kind: str, normalised: str) -> str:
        """The pseudonym of a normalised subject; `kind` is `p`, or `s`/`c` for a session or contact standing in."""

    def shard(self, normalised: str) -> int:
        """The shard of a normalised subject."""


class Arrival(NamedTuple):
    """When and where the events of one request arrived."""

    recordedtime: str
    latest_time: datetime
    channel: str | None


class Accepted(NamedTuple):
    """An event to store: its identity, its partition, and its encoded `shared.journey.event.Event`."""

    id: str
    source: str
    partition: int
    encoded: bytes


def arrival_at(now_us: int, recorded_us: int, channel: str | None) -> Arrival:
    """The arrival of a request: `now_us` is the gateway's clock, `recorded_us` names this copy of its events."""
    return Arrival(to_text(recorded_us), from_us(now_us) + MAX_AHEAD, channel)


class Validator:
    """Judges events; remembers the pseudonyms of the subjects seen last (in memory only).

    Raises `ConfigurationError` for an impossible number of partitions.
    """

    def __init__(
        self, keys: SubjectKeys, partitions: int, normalise: Callable[[str], str], scrub: Callable[[str], str]
    ) -> None:
        if not 1 <= partitions <= SHARDS:
            raise ConfigurationError(f"{partitions} partitions asked for; there can be 1 to {SHARDS}")
        self._keys = keys
        self._partitions = partitions
        self._normalise = normalise
        self._scrub = scrub
        self._who = lru_cache(maxsize=_REMEMBERED_SUBJECTS)(self._key)

    def check(self, raw: bytes, utf8: bool, arrival: Arrival) -> Accepted:
        """The event to store. `utf8` says that `raw` is known to be UTF-8. Raises `Refused`."""
        if len(raw) > MAX_EVENT_BYTES:
            raise Refused("event_too_large")
        incoming = read_incoming(raw, utf8)
        if incoming.specversion != "1.0":
            raise Refused("unsupported_specversion", "/specversion")
        if incoming.datacontenttype is not None or incoming.data_base64 is not None:
            _check_content(incoming)
        event_type = _KNOWN_TYPES.get(incoming.type) or _other_type(incoming.type)
        time = _time_text(incoming.time, arrival)
        data = incoming.data
        self._tidy(data, arrival)
        subject, shard = self._journey_key(incoming)
        event = Event(incoming.id, incoming.source, event_type, time, arrival.recordedtime, data, subject, shard=shard)
        partition = partition_of(shard, self._partitions)
        return Accepted(incoming.id, incoming.source, partition, _encode(event))

    def _tidy(self, data: EventData, arrival: Arrival) -> None:
        """Bring `data` into the form that is stored, in place."""
        if data.channel is None:
            data.channel = arrival.channel
        elif data.channel not in _CHANNELS:
            raise Refused("unknown_channel", "/data/channel")
        if data.due is not None:
            data.due = _due(data.due)
        if data.comment is not None:
            data.comment = self._scrub(data.comment)[:_MAX_COMMENT_CHARS]
        if not data.attributes:
            data.attributes = None

    def _journey_key(self, incoming: Incoming) -> tuple[str | None, int]:
        """The pseudonym and the shard: of the subject, else of the session, else of the contact. Raises `Refused`."""
        if incoming.subject is not None:
            return self._who("p", incoming.subject)
        if incoming.data.session is not None:
            return self._who("s", incoming.data.session)
        if incoming.data.contact is not None:
            return self._who("c", incoming.data.contact)
        return None, 0

    def _key(self, kind: str, text: str) -> tuple[str, int]:
        try:
            normalised = self._normalise(text) if kind == "p" else text
        except InvalidSubject as error:
            raise Refused(error.reason, "/subject") from None
        return self._keys.pseudonym(kind, normalised), self._keys.shard(normalised)


def _other_type(name: str) -> str:
    dropped = name.removeprefix(TYPE_PREFIX)
    if not dropped:
        raise Refused("missing_field", "/type")
    if dropped in CONTROL_TYPES:
        raise Refused("reserved_type", "/type")
    return dropped


def _check_content(incoming: Incoming) -> None:
    if incoming.data_base64 is not None:
        raise Refused("binary_data", "/data_base64")
    media_type = (incoming.datacontenttype or "").partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES and not media_type.endswith("+json"):
        raise Refused("unsupported_datacontenttype", "/datacontenttype")


def _time_text(time: datetime, arrival: Arrival) -> str:
    """The time as `instants.to_text` writes it."""
    time = _utc(time, "/time")
    if time > arrival.latest_time:
        raise Refused("time_ahead", "/time")
    if time < _EARLIEST:
        raise Refused("time_out_of_range", "/time")
    return time.isoformat(timespec="microseconds")[:26] + "Z"


def _due(due: datetime) -> datetime:
    due = _utc(due, "/data/due")
    if not _EARLIEST <= due < _LATEST_DUE:
        raise Refused("time_out_of_range", "/data/due")
    return due


def _utc(time: datetime, pointer: str) -> datetime:
    """The same instant in UTC, microseconds exact."""
    if time.tzinfo is UTC:
        return time
    if time.tzinfo is None:
        raise Refused("time_without_offset", pointer)
    try:
        return time.astimezone(UTC)
    except OverflowError:
        ahead = time.year > 5_000 and pointer == "/time"
        raise Refused("time_ahead" if ahead else "time_out_of_range", pointer) from None
