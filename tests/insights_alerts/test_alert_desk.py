"""The desk over a registry: what is withheld, what the engine said last."""

from pathlib import Path

import pytest

from services.wiring.alert_desk import sheet_of
from services.wiring.alert_pages import cluster_desk
from services.wiring.cluster.alerts import SERVICE
from shared.errors import RecordConflict
from shared.registry.registry import Registry
from shared.settings import Settings
from tests.alerts_notification.samples import alert, finding, settings
from tests.insights.conftest import NOW_US, new_registry
from tests.insights_alerts.room import FORM, MINUTE_US, Room


@pytest.mark.parametrize(
    ("citizens", "shown", "withheld"), [(0, 0, False), (1, None, True), (9, None, True), (10, 10, False)]
)
def test_small_counts_do_not_leave_the_desk(citizens: int, shown: int | None, withheld: bool) -> None:
    """1 to 9 people are nowhere in what pages get: not as a count, not in words, not as what was observed."""
    sheet = sheet_of(alert(finding(citizens=citizens, observed=float(citizens))), settings(), 10)
    assert (sheet.touched.count, sheet.touched.withheld) == (shown, withheld)
    assert sheet.readings[0].touched == sheet.touched
    assert sheet.readings[0].measure.withheld is withheld
    assert (sheet.readings[0].measure.observed is None) is withheld


def test_an_alert_is_put_into_words_once(room: Room) -> None:
    """While nothing of it changes the same sheet is given, however many look."""
    (first,) = room.fire(FORM)
    assert room.desk.open()[0] is first
    assert room.desk.get(first.id) is first
    changed = room.desk.comment(first.id, first.version, "Duty", "Seen")
    assert room.desk.open()[0] is changed


def test_a_second_person_is_told(room: Room) -> None:
    """Whoever acts on an older version gets a conflict."""
    (sheet,) = room.fire(FORM)
    room.desk.acknowledge(sheet.id, sheet.version, "First", None, "")
    with pytest.raises(RecordConflict):
        room.desk.resolve(sheet.id, sheet.version, "Second", "")


def test_the_engine_of_a_cluster_is_known_by_what_it_said(registry: Registry, tmp_path: Path) -> None:
    """The process that looks says how it is; without it, the registry says when it was written last."""
    desk = cluster_desk(Settings(data=tmp_path), registry)
    assert desk.looking().looked_us is None
    registry.heartbeats.beat(SERVICE, "b", {"state": "standby"})
    said = {"state": "looking", "looked_us": NOW_US, "through_us": NOW_US - MINUTE_US, "trouble": "late"}
    registry.heartbeats.beat(SERVICE, "a", said)
    found = desk.looking()
    assert (found.looked_us, found.through_us, found.trouble) == (NOW_US, NOW_US - MINUTE_US, "late")
    room = Room(registry)
    room.round(at_us=NOW_US + MINUTE_US)
    registry.heartbeats.beat(SERVICE, "a", {"state": "standby"})
    assert desk.looking().looked_us == NOW_US + MINUTE_US


@pytest.fixture
def registry():
    """An empty registry."""
    with new_registry() as made:
        yield made
