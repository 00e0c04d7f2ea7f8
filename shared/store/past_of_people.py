"""The past of the people who have something to do with a period: all their events, in slices, or of every so-manieth person.

Who belongs to a slice or a sample follows from the pseudonym alone: the same question reads the same people.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from shared.store.client import Store
from shared.store.past import events_sql

_SERVICE: Final = "({service:String} = '' OR service = {service:String})"
_FROM: Final = "fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')"
_TO: Final = "fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')"
_IN_SLICE: Final = "intDiv(cityHash64(service, subject), {of:UInt64}) % {slices:UInt64} = {number:UInt64}"
_IN_SAMPLE: Final = "cityHash64(service, subject) % {of:UInt64} = 0"


def _within(*conditions: str) -> str:
    asked = " AND ".join(("subject != ''", _SERVICE, *conditions))
    people = f"SELECT subject FROM events WHERE {asked}"  # noqa: S608  # names from here
    return f"""WHERE {asked} AND (
    subject IN ({people} AND time >= {_FROM} AND time < {_TO})
    OR subject IN ({people} AND due >= {_FROM} AND due < {_TO}))"""


_EVENTS: Final = events_sql(_within(_IN_SAMPLE, _IN_SLICE))
_COUNT: Final = f"SELECT count(), uniqExact(service, subject) FROM events AS e {_within()}"  # noqa: S608  # names from here


class PastOfPeople(Struct, frozen=True):
    """Everyone who has an event, or an announced date, in `[from_us, to_us)`; with `service`, for that service alone."""

    store: Store
    from_us: int
    to_us: int
    service: str | None

    def count(self) -> tuple[int, int]:
        """How many events these people have in all, and how many (subject, service) they are. Raises `StoreError`."""
        events, people = self.store.query(_COUNT, self._parameters()).rows[0]
        return int(events), int(people)

    def read(self, number: int, slices: int, of: int = 1) -> bytes:
        """The events of slice `number` (from 0) of every `of`-th (subject, service): JSON of the log, by (service, subject, time).

        Raises `StoreError`.
        """
        return self.store.query_json(_EVENTS, {**self._parameters(), "number": number, "slices": slices, "of": of})

    def _parameters(self) -> Mapping[str, Any]:
        return {"from_us": self.from_us, "to_us": self.to_us, "service": self.service or ""}
