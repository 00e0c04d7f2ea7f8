"""The Faust worker: membership of the consumer group, assignment and back-pressure. All else is `services.detector.cluster`.

Faust commits nothing (`acks=False`, `noack()`): after a kill or a rebalance it starts from the offset that the last
transaction committed. Nothing escapes the agent, since Faust would go on with the next record: the first error ends the
process. Faust's cost is one per message whatever it holds, so its scheduler hands over what one fetch brought of a
partition as one message.
"""

import asyncio
import gc
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import faust
from aiokafka.errors import KafkaError
from faust.transport.utils import DefaultSchedulingStrategy
from mode.threads import WorkerThread

from services.detector.cluster import ClusterDetector, ClusterSettings, Incoming
from services.detector.status import DetectorStatus
from shared.errors import LogUnavailable

MAX_WAITING_FETCHES: Final = 8
"""Bound of Faust's buffer, in fetches of at most `FETCH_BYTES` and `MAX_FETCH_RECORDS`."""
FETCH_BYTES: Final = 1_048_576
MAX_FETCH_RECORDS: Final = 500
REPEATED_AFTER_S: Final = 10.0
STOP_POLL_S: Final = 0.05
HEARTBEAT_S: Final = 1.0
FAUST_STOP_LIMIT_S: Final = 2.0
THREAD_STOP_LIMIT_S: Final = 0.5
_REQUEST_TIMEOUT_S: Final = 90.0
_FAR_S: Final = 365 * 86_400.0
"""For timers of Faust that watch commits of its own, which never happen."""
_LIBRARIES: Final = ("faust", "mode", "aiokafka", "kafka")
"""They speak of every connection and every step of a rebalance."""
_REPEATERS: Final = (
    "aiokafka",
    "aiokafka.cluster",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)
"""While a broker is away they say so fifty times a second."""
_MS: Final = 1_000

_log = logging.getLogger(__name__)


class Membership(NamedTuple):
    """How the worker stands in its consumer group: the same `instance` gets the same partitions again after a restart."""

    instance: str
    session_ms: int


class SeldomTheSame(logging.Filter):
    """Lets the same message of a logger through once in `REPEATED_AFTER_S`."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        super().__init__()
        self._clock_s = clock_s
        self._said_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        now_s, text = self._clock_s(), str(record.msg)
        if now_s - self._said_s.get(text, -REPEATED_AFTER_S) < REPEATED_AFTER_S:
            return False
        self._said_s[text] = now_s
        return True


class Fetched:
    """The records that one fetch brought of one partition, in the form of a single record of aiokafka."""

    __slots__ = ("offset", "partition", "timestamp", "topic", "value")

    timestamp_type = 0
    headers: Sequence[tuple[str, bytes]] = ()
    key = None
    checksum = None
    serialized_key_size = 0
    serialized_value_size = 0

    def __init__(self, topic: str, partition: int, records: Sequence[Any]) -> None:
        self.topic, self.partition = topic, partition
        self.offset: int = records[-1].offset
        self.timestamp: int = records[-1].timestamp
        self.value = (partition, [Incoming(record.offset, record.value, record.headers) for record in records])


class WholeFetches(DefaultSchedulingStrategy):
    """Delivers what a fetch brought of a partition at once, rather than record by record."""

    def iterate(self, records: Mapping[Any, Sequence[Any]]) -> Iterator[tuple[Any, Fetched]]:
        for where, found in records.items():
            if found:
                yield where, Fetched(where.topic, where.partition, found)


class BoundedThread(WorkerThread):
    """The consumer's thread. Mode waits for its end without a bound, in the event loop, and so would a process that ends:
    aiokafka leaves a group only when a broker answers.
    """

    def __init__(self, service: Any, **options: Any) -> None:
        super().__init__(service, **options)
        self.daemon = True

    def stop(self) -> None:
        """Wait for the end, for a while."""
        self.is_stopped.wait(THREAD_STOP_LIMIT_S)


class WorkerApp(faust.App):
    """Faust keeps no files for us."""

    def _create_directories(self) -> None:
        """Make no folders for tables: there are none."""


def run_worker(
    settings: ClusterSettings,
    membership: Membership,
    clock_s: Callable[[], float],
    stop: threading.Event,
    heartbeat: Callable[[DetectorStatus], None],
) -> None:
    """Detect until `stop` is set, then write a last checkpoint; `heartbeat` is told every second, in a thread of its own.

    Raises `DetectionError`, `LogMismatch`, or `LogError` when the brokers fail for long.
    """
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPEATERS:
        logging.getLogger(name).addFilter(SeldomTheSame(clock_s))
    asyncio.run(_run(settings, membership, clock_s, stop, heartbeat))


async def _run(
    settings: ClusterSettings,
    membership: Membership,
    clock_s: Callable[[], float],
    stop: threading.Event,
    heartbeat: Callable[[DetectorStatus], None],
) -> None:
    asyncio.get_running_loop().set_exception_handler(_forgotten)
    detector = ClusterDetector(settings, clock_s)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    app = worker_app(settings, membership, detector, failed)
    duties = [
        asyncio.create_task(duty)
        for duty in (detector.keep_checkpoints(), _stopped(app, stop), _beat(detector, heartbeat), _collect_garbage())
    ]
    starting = asyncio.create_task(app.start())
    try:
        await asyncio.wait([failed, *duties], return_when=asyncio.FIRST_COMPLETED)
        for each in (failed, *duties):
            if each.done():
                each.result()
    finally:
        for duty in duties:
            duty.cancel()
        starting.cancel()
        await asyncio.gather(detector.close(), _stop_faust(app))
        with suppress(Exception):
            await asyncio.to_thread(heartbeat, detector.status())


def worker_app(
    settings: ClusterSettings, membership: Membership, detector: ClusterDetector, failed: "asyncio.Future[None]"
) -> Any:
    """The Faust app: one agent that hands everything to `detector`, and sets `failed` when that raises."""
    session_s = membership.session_ms / _MS
    app = WorkerApp(
        settings.topics.group,
        broker=[f"kafka://{address}" for address in settings.brokers.split(",")],
        consumer_group_instance_id=membership.instance,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 4,
        broker_request_timeout=_REQUEST_TIMEOUT_S,
        broker_commit_interval=_FAR_S,
        broker_max_poll_records=MAX_FETCH_RECORDS,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=MAX_WAITING_FETCHES,
        stream_processing_timeout=_FAR_S,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        ConsumerScheduler=WholeFetches,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
        datadir=Path(tempfile.gettempdir()),
        key_serializer="raw",
        value_serializer="raw",
    )
    topic = app.topic(settings.topics.events, key_serializer="raw", value_serializer="raw", acks=False)

    async def fold(stream: Any) -> None:
        async for number, records in stream.noack():
            if failed.done():
                continue
            try:
                await detector.fold(number, records)
            except Exception as error:  # nothing escapes the agent
                if not failed.done():
                    failed.set_exception(error)

    async def taken_away(_app: Any, *_revoked: Any, **_rest: Any) -> None:
        await detector.hand_over()

    async def given(_app: Any, *assigned: Any, **_rest: Any) -> None:
        detector.assigned(where.partition for where in assigned[0])

    app.agent(topic, name="detector", concurrency=1)(fold)
    app.on_partitions_revoked.connect(taken_away, weak=False)  # type: ignore[arg-type]  # a signal's first argument is its app
    app.on_partitions_assigned.connect(given, weak=False)  # type: ignore[arg-type]
    app.finalize()
    consumer: Any = app.consumer
    consumer._thread.Worker = BoundedThread  # noqa: SLF001  # the only way to choose the thread
    return app


async def _stopped(app: Any, stop: threading.Event) -> None:
    """Ends when the process is asked to stop. Raises `LogUnavailable` when Faust ends by itself."""
    while not stop.is_set():
        if app.should_stop:
            reason = type(app.crash_reason).__name__ if app.crash_reason else "without a reason"
            raise LogUnavailable(f"the consumer of journey-events ended ({reason})")
        if membership_ended(app):
            raise LogUnavailable("the consumer of journey-events is no longer a member of its group")
        await asyncio.sleep(STOP_POLL_S)


def membership_ended(app: Any) -> bool:
    """Whether aiokafka has given up the group on a defect of its own: it says so in its log, and would wait for ever."""
    consumer = app.consumer._thread._consumer  # noqa: SLF001  # Faust has no way to ask
    coordinator = None if consumer is None else consumer._coordinator  # noqa: SLF001
    task = getattr(coordinator, "_coordination_task", None)
    if task is None or not task.done():
        return False
    if not task.cancelled():
        task.exception()  # asked for once, so that asyncio need not speak of it again
    return True


async def _beat(detector: ClusterDetector, heartbeat: Callable[[DetectorStatus], None]) -> None:
    while True:
        try:
            await asyncio.to_thread(heartbeat, detector.status())
        except Exception as error:
            _log.warning("the heartbeat fails", exc_info=error)
        await asyncio.sleep(HEARTBEAT_S)


async def _collect_garbage() -> None:
    """The fold makes no reference cycles, and scanning a million journeys for them takes seconds; Faust makes some young ones."""
    gc.disable()
    try:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            gc.collect(1)
    finally:
        gc.enable()


def _forgotten(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Aiokafka keeps futures that tell each failure once more; nobody asks them."""
    if not isinstance(context.get("exception"), KafkaError):
        loop.default_exception_handler(context)


async def _stop_faust(app: Any) -> None:
    try:
        await asyncio.wait_for(app.stop(), FAUST_STOP_LIMIT_S)
    except Exception as error:
        _log.warning("the consumer did not end in order", exc_info=error)
