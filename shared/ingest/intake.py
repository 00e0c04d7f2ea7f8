"""One request's events: judged in order, collected for the log and for the answer."""

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from shared.ingest.incoming import Refused, read_object
from shared.ingest.reasons import explain
from shared.ingest.records import Part
from shared.ingest.rejects import Refusals
from shared.ingest.validate import Accepted, Arrival, Validator
from shared.journey.event import Event
from shared.log.port import Kind

_MAX_SHOWN_ID_CHARS: Final = 256
_decode_event: Final = msgspec.json.Decoder(Event).decode


class Result(Struct, omit_defaults=True, gc=False):
    """What became of one event. `id` is missing when it could not be read; the rest is there for rejected events only."""

    status: Literal["accepted", "duplicate", "rejected"]
    id: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    pointer: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class Answer(Struct, gc=False):
    """The answer to a request: counts, and a result for each event in order."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[Result]


class Intake:
    """Collects the verdicts on the events of one request."""

    def __init__(
        self, validator: Validator, refusals: Refusals, arrival: Arrival, lang: str, first_position: int = 0
    ) -> None:
        self._validator = validator
        self._refusals = refusals
        self._arrival = arrival
        self._lang = lang
        self._first_position = first_position
        self._encoded_by_identity: dict[tuple[str, str], bytes] = {}
        self._accepted_by_partition: dict[int, list[bytes]] = {}
        self._results: list[Result] = []
        self._duplicates = 0
        self.rejects_by_reason: dict[str, int] = {}

    def judge(self, events: list[bytes], utf8: bool) -> None:
        """Judge the next raw events of the request."""
        check, arrival = self._validator.check, self._arrival
        for raw in events:
            try:
                self._accept(check(raw, utf8, arrival))
            except Refused as refused:
                self._reject(raw, refused)

    @property
    def only_refusal(self) -> str | None:
        """The reason, if the request was one event and that was refused."""
        return str(self._results[0].reason) if len(self._results) == 1 and self.rejects_by_reason else None

    def accepted_parts(self) -> list[Part]:
        """What is to be stored."""
        return [Part(partition, Kind.EVENTS, items) for partition, items in self._accepted_by_partition.items()]

    def reject_parts(self) -> list[Part]:
        """What is to be kept of the refused."""
        return [Part(0, Kind.REJECTS, self._refusals.encoded)] if self._refusals.encoded else []

    def answer(self) -> Answer:
        """The counts and results so far."""
        rejected = sum(self.rejects_by_reason.values())
        accepted = len(self._results) - rejected - self._duplicates
        return Answer(accepted, self._duplicates, rejected, self._results)

    def _accept(self, event: Accepted) -> None:
        identity = event.source, event.id
        first = self._encoded_by_identity.setdefault(identity, event.encoded)
        if first is not event.encoded:
            if first != event.encoded and _decode_event(first) != _decode_event(event.encoded):
                raise Refused("conflicting_duplicate", "/id")
            self._duplicates += 1
            self._results.append(Result("duplicate", event.id))
            return
        items = self._accepted_by_partition.get(event.partition)
        if items is None:
            items = self._accepted_by_partition[event.partition] = []
        items.append(event.encoded)
        self._results.append(Result("accepted", event.id))

    def _reject(self, raw: bytes, refused: Refused) -> None:
        read = read_object(raw)
        position = self._first_position + len(self._results)
        self._refusals.add_event(raw, read, refused.reason, refused.pointer, position)
        self.rejects_by_reason[refused.reason] = self.rejects_by_reason.get(refused.reason, 0) + 1
        detail = explain(refused.reason, self._lang)
        self._results.append(Result("rejected", _shown_id(read), refused.reason, refused.pointer, detail))


class Collected:
    """The verdicts of many intakes, to be kept together."""

    def __init__(self) -> None:
        self.accepted = 0
        self.rejects_by_reason: dict[str, int] = {}
        self._accepted_by_partition: dict[int, list[bytes]] = {}
        self._rejects: list[bytes] = []

    def add(self, intake: Intake) -> None:
        """What became of one intake."""
        for part in intake.accepted_parts():
            self.accepted += len(part.items)
            self._accepted_by_partition.setdefault(part.partition, []).extend(part.items)
        for part in intake.reject_parts():
            self._rejects.extend(part.items)
        for reason, count in intake.rejects_by_reason.items():
            self.rejects_by_reason[reason] = self.rejects_by_reason.get(reason, 0) + count

    def accepted_parts(self) -> list[Part]:
        """What is to be stored."""
        return [Part(partition, Kind.EVENTS, items) for partition, items in self._accepted_by_partition.items()]

    def reject_parts(self) -> list[Part]:
        """What is to be kept of the refused."""
        return [Part(0, Kind.REJECTS, self._rejects)] if self._rejects else []


def _shown_id(read: dict[str, Any]) -> str | UnsetType:
    value = read.get("id")
    return value[:_MAX_SHOWN_ID_CHARS] if isinstance(value, str) and value else UNSET
