"""A site with a room of alerts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import httpx
import pytest

from tests.insights.conftest import served
from tests.insights_alerts.room import Room, new_room


class Answer(NamedTuple):
    """The names that forms offer: none."""

    columns: Sequence[str] = ("services", "channels", "territories")
    rows: Sequence[Sequence[Any]] = (((), (), ()),)


class NoRows:
    """A store that holds nothing: alerts are not kept there, only names that forms offer."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Answer:
        return Answer()


@pytest.fixture
def room() -> Iterator[Room]:
    """A room without alerts."""
    with new_room() as made:
        yield made


@pytest.fixture
def client(room: Room) -> Iterator[httpx.Client]:
    """A site that shows the room's alerts."""
    with served(NoRows(), alerts=room.desk, records=room.registry.records) as made:
        yield made
