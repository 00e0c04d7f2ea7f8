"""The past read back is what was loaded."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from shared.journey.codec import decode_events, decode_points, encode
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.past import Past, read_past
from tests.loader.samples import Logs, event, point

FULL = {
    "matter": "m", "step": "s", "contact": "k", "case": "c", "session": "z", "office": "o", "team": "12", "wait_s": 0.0,
    "duration_s": 1.25, "due": datetime(2031, 2, 3, 4, 5, 6, 789012, tzinfo=UTC), "reason": "r", "invited": True,
    "document": "42", "outcome": "u", "rating": 4.5, "lang": "fr",
}  # fmt: skip


def load(store: Store, folder: Path) -> tuple[list, list]:
    """Load events of several subjects, one with every field, and points, one of them taken back."""
    events = [event(number) for number in range(200)]
    events.append(msgspec.structs.replace(event(500, **FULL), id="full"))
    stranger = msgspec.structs.replace(event(501), id="stranger", subject=None)
    figures = {"team": "12", "from_team": "7", "gap_s": 12.0, "due": "2024-05-05T22:00:00Z"}
    points = [point(number, figures=figures) for number in range(60)]
    logs = Logs(folder)
    logs.append(Kind.EVENTS, [*events, stranger])
    logs.append(Kind.POINTS, [*points, msgspec.structs.replace(points[0], revision=2, sign=-1)])
    logs.loader(store).run_once()
    logs.close()
    return decode_events(encode(events)), decode_points(encode(points[1:]))


@pytest.mark.parametrize("page_events", [7, 100_000])
def test_every_group_in_order_whatever_the_page(empty_store: Store, tmp_path: Path, page_events: int) -> None:
    """Groups come once, in order of (service, subject), with exactly the events and points in force that were loaded."""
    events, points = load(empty_store, tmp_path)
    groups: list[Past] = list(read_past(empty_store, page_events))
    keys = [(group.service, group.subject) for group in groups]
    assert keys == sorted({(one.data.service, one.subject) for one in events})
    for group in groups:
        mine = [one for one in events if (one.data.service, one.subject) == group[:2]]
        assert group.events == sorted(mine, key=lambda one: (one.time, one.source, one.id))
        in_force = [one for one in points if (one.service, one.subject) == group[:2]]
        assert group.points == sorted(in_force, key=lambda one: (one.time, one.id))


def test_no_past(empty_store: Store) -> None:
    """Without events there is nothing."""
    assert list(read_past(empty_store)) == []


def test_comment_and_attributes_are_left_out(empty_store: Store, tmp_path: Path) -> None:
    """What detection does not need is not read."""
    logs = Logs(tmp_path)
    logs.append(Kind.EVENTS, [event(1, comment="text", attributes={"a": "b"})])
    logs.loader(empty_store).run_once()
    logs.close()
    assert next(read_past(empty_store)).events == [event(1)]
