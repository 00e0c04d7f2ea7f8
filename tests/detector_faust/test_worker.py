"""One worker on a real broker: what it finds, and how it ends when something is wrong."""

from collections.abc import Callable

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from kafka import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, NoError
from kafka.structs import OffsetAndMetadata, TopicPartition

from shared.errors import DetectionError, LogMismatch, LogUnavailable
from shared.journey.control import DetectionProgressed
from shared.log.port import Kind, Record
from tests.detector_faust.site import Feed, Site, control_record, progress
from tests.detector_faust.workers import ThreadWorker, wait_until

MakeSite = Callable[[int], Site]


def detect(site: Site, feed: Feed) -> None:
    """Let a worker detect all of a feed, and stop it."""
    for step in feed.steps():
        site.append(step)
    with ThreadWorker(site) as worker:
        site.await_detected(30, worker.raise_error)


def committed(site: Site, partition: int) -> int:
    """The offset of the detector's group."""
    admin = KafkaAdminClient(bootstrap_servers=site.brokers)
    try:
        offsets = admin.list_group_offsets([site.topics.group])[site.topics.group]
        return int(offsets[TopicPartition(site.topics.events, partition)].offset)
    finally:
        admin.close()


def move_group(site: Site, partition: int, offset: int) -> None:
    """Change the group's offset behind the detector's back, once the group is empty: a static member stays a while."""
    where = TopicPartition(site.topics.events, partition)
    admin = KafkaAdminClient(bootstrap_servers=site.brokers)

    def moved() -> bool:
        try:
            answer = admin.alter_group_offsets(site.topics.group, {where: OffsetAndMetadata(offset, "", -1)})
        except CoordinatorNotAvailableError:  # the first group of a broker: it makes its topic of offsets
            return False
        return bool(answer[where] is NoError)

    try:
        wait_until(moved, 20)
    finally:
        admin.close()


def test_points_are_those_of_the_definitions(make_site: MakeSite) -> None:
    """Random streams in random order, on three partitions: through the worker comes what the definitions give."""
    site, feed = make_site(3), Feed(3, events=400, seed=11)
    with ThreadWorker(site) as worker:
        for step in feed.steps():
            site.append(step)
        rows = site.await_detected(30, worker.raise_error)
        wait_until(lambda: worker.statuses[-1].next_offsets == site.ends(), 5)
    assert feed.assert_detected(rows) > 50
    assert worker.statuses[-1].counts.points >= feed.assert_detected(rows)


def test_only_transactions_commit(make_site: MakeSite) -> None:
    """The group's offset is that of the last `detection.progressed`: Faust itself commits nothing."""
    site, feed = make_site(1), Feed(1, events=60, seed=3)
    detect(site, feed)
    assert committed(site, 0) == progress(site.frictions())[0][-1] == site.ends()[0]


def test_an_older_offset_of_the_group_repeats_nothing(make_site: MakeSite) -> None:
    """Records before the expected offset are dropped: the state knows better than the group where it stands."""
    site, feed = make_site(1), Feed(1, events=200, seed=4)
    steps = feed.steps()
    half = len(steps) // 2
    for step in steps[:half]:
        site.append(step)
    with ThreadWorker(site) as worker:
        site.await_detected(20, worker.raise_error)
    move_group(site, 0, 3)
    for step in steps[half:]:
        site.append(step)
    with ThreadWorker(site) as worker:
        rows = site.await_detected(20, worker.raise_error)
    assert feed.assert_detected(rows) > 5


def test_an_offset_above_the_expected_stops_by_name(make_site: MakeSite) -> None:
    """Where records were skipped the worker ends, naming topic, partition and both offsets; nothing is written."""
    site, feed = make_site(1), Feed(1, events=60, seed=5)
    detect(site, feed)
    before = len(site.frictions())
    end = site.ends()[0]
    site.append(feed.steps()[0])
    site.append(feed.steps()[0])
    move_group(site, 0, end + 1)
    with pytest.raises(LogMismatch) as caught, ThreadWorker(site) as worker:
        worker.await_end(15)
    for named in (site.topics.events, "partition 0", f"offset {end} ", f" {end + 1};"):
        assert named in str(caught.value)
    assert len(site.frictions()) == before


def test_a_group_that_begins_in_the_middle_without_a_state_stops_by_name(make_site: MakeSite) -> None:
    """A lost `detector-state` is noticed: the detector does not go on as if nothing had been before."""
    site, feed = make_site(1), Feed(1, events=10, seed=6)
    for step in feed.steps():
        site.append(step)
    move_group(site, 0, 2)
    with pytest.raises(LogMismatch, match="expects offset 0 and was given 2"), ThreadWorker(site) as worker:
        worker.await_end(15)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (Record(0, Kind.EVENTS, b'[{"id": 1}]', 1), "cannot be read"),
        (Record(0, Kind.EVENTS, b"\xff", 1), "cannot be read"),
        (control_record(0, DetectionProgressed(0, "x", 1, 0)), "own progress"),
        (Record(0, Kind.POINTS, b"[{}]", 1), "no known kind"),
    ],
    ids=["wrong field", "no JSON", "own progress", "wrong kind"],
)
def test_a_record_that_no_detector_can_read_stops_by_name(make_site: MakeSite, record: Record, said: str) -> None:
    """The record is neither skipped nor passed: the worker ends with an error that names the place, each time."""
    site, feed = make_site(1), Feed(1, events=20, seed=7)
    for step in feed.steps():
        site.append(step)
    [bad] = site.append([record])
    site.append(feed.steps()[0])
    with pytest.raises(DetectionError, match=said) as caught, ThreadWorker(site) as worker:
        worker.await_end(15)
    assert f"partition 0, offset {bad}" in str(caught.value)
    assert max(progress(site.frictions()).get(0, [0])) <= bad


def test_nothing_escapes_the_agent(make_site: MakeSite) -> None:
    """An error that is not ours ends the worker too; Faust does not go on with the next record."""
    site, feed = make_site(1), Feed(1, events=20, seed=8)
    for step in feed.steps():
        site.append(step)

    def broken() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), ThreadWorker(site, site.settings()._replace(log_id=broken)) as worker:
        worker.await_end(15)
    assert site.frictions() == []


def test_the_state_of_another_log_stops_by_name(make_site: MakeSite) -> None:
    """A `journey-events` made again is another log: its offsets mean nothing to the state."""
    site, feed = make_site(1), Feed(1, events=20, seed=9)
    detect(site, feed)
    site.append(feed.steps()[0])
    other = site.settings()._replace(log_id=lambda: "another-log")
    with pytest.raises(LogMismatch, match="another-log"), ThreadWorker(site, other) as worker:
        worker.await_end(15)


def test_a_worker_that_is_no_member_any_more_stops_by_name(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aiokafka's coordination may end on a defect of its own and only log it: the worker ends, instead of waiting for ever."""
    site = make_site(1)

    async def broken(_coordinator: GroupCoordinator, *_arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(GroupCoordinator, "_on_join_complete", broken)
    with pytest.raises(LogUnavailable, match="no longer a member"), ThreadWorker(site) as worker:
        worker.await_end(30)
