"""A site for tests of the engine: a real log, ClickHouse and registry; what gateways and the detector write, the test does."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from services.alerts.counts_query import read_positions
from services.alerts.engine import Engine, Streams
from services.alerts.keeping import AlertKeeping, Message
from services.alerts.settings import AlertSettings, parse_alerts
from services.alerts.steps import Taken
from shared.alerts.alert import Alert
from shared.ingest.rejects import Reject
from shared.journey.control import ClockTicked, Control
from shared.journey.event import Event
from shared.journey.instants import DAY_US, SECOND_US, from_text, to_text
from shared.journey.point import Point
from shared.log.local import LocalLogReader
from shared.log.port import Kind
from shared.registry.registry import Registry
from shared.store.client import Store
from tests.loader.samples import STREAMS, Logs, event, point

T0 = from_text("2026-03-11T10:00:30.000000Z")
"""A Wednesday morning."""
MINUTE_US = 60 * SECOND_US
TEXT = '[site]\ntime_zone = "UTC"\n[calendar]\nholidays = "none"\n'
EVENTS, POINTS, INGEST_REJECTS, LOAD_REJECTS = STREAMS

T = TypeVar("T")


class Inline(Executor):
    """Does at once, in the caller's thread, what is submitted."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def tell(taken: Taken) -> list[Message]:
    """Each step is told to one receiver."""
    return [Message("desk", f"{taken.transition.step} {taken.alert.id}".encode())]


class Site:
    """One site. `now_us` is the clock of all, moved by the test; a clock that cannot be set runs along unless `set_clock` is used."""

    def __init__(self, folder: Path, store: Store, settings: AlertSettings | None = None) -> None:
        self.folder = folder
        self.store = store
        self.settings = settings or parse_alerts(TEXT, "alerts.toml")
        self.logs = Logs(folder / "log")
        self.registry = Registry(f"sqlite:///{folder / 'registry.sqlite'}")
        self.registry.upgrade()
        self.now_us = T0
        self.monotonic_us = 1_000_000
        self.number = 0
        self.readers: list[LocalLogReader] = []
        self.engine = self.start()

    def start(self) -> Engine:
        """An engine as after a start of its process; it takes the place of the one before."""
        for reader in self.readers:
            reader.close()
        self.readers = [LocalLogReader(self.folder / "log" / f"{name}.sqlite", name) for name in STREAMS]
        self.keeping = AlertKeeping(self.registry, self.settings.policy, tell)
        self.engine = self.engine_on(self.store)
        return self.engine

    def engine_on(self, store: Store) -> Engine:
        """An engine on another store, with everything else of the site."""
        events, points, *rejects = self.readers
        return Engine(
            store,
            Streams(events, points, rejects),
            self.keeping,
            self.settings,
            clock_us=lambda: self.now_us,
            monotonic_us=lambda: self.monotonic_us,
            background=Inline(),
            told=lambda: None,
        )

    def close(self) -> None:
        """Close what is open."""
        for reader in self.readers:
            reader.close()
        self.logs.close()
        self.registry.close()

    def known_for(self, weeks: int, services: Sequence[str] = ("housing",)) -> None:
        """The services were first heard of so many weeks ago, and since then nothing went wrong."""
        at_us = T0 - weeks * 7 * DAY_US
        self.logs.append(Kind.EVENTS, [self.event(at_us, service) for service in services])
        self.load()

    def load(self) -> None:
        """Let the loader take in all there is."""
        loader = self.logs.loader(self.store)
        while loader.run_once().more or loader.run_once().loaded:
            pass

    def event(self, time_us: int, service: str = "housing", channel: str = "web", source: str = "/web") -> Event:
        """An event."""
        self.number += 1
        made = event(self.number, service=service, channel=channel, territory="")
        return msgspec.structs.replace(made, id=f"e{self.number}", source=source, time=to_text(time_us))

    def point(self, time_us: int, **changes: Any) -> Point:
        """A point of a journey of its own."""
        self.number += 1
        values = {"rule": "error_loop", "service": "housing", "channel": "web", "territory": "", "source": "/web"}
        made = point(self.number, time=to_text(time_us), id=f"p{self.number}", journey=f"j{self.number}")
        return msgspec.structs.replace(made, **values | changes)

    def broken(self, journeys: int, **changes: Any) -> list[Point]:
        """So many journeys meet the same trouble now, a second apart, and detection says so."""
        points = [self.point(self.now_us - number * SECOND_US, **changes) for number in range(journeys)]
        self.say(points)
        return points

    def say(self, points: Sequence[Point]) -> None:
        """Detection emits these rows."""
        self.logs.append(Kind.POINTS, points)
        self.tick()

    def take_back(self, points: Sequence[Point]) -> None:
        """Detection retracts these points."""
        self.say([msgspec.structs.replace(each, sign=-1, revision=each.revision + 1) for each in points])

    def control(self, control: Control) -> None:
        """A gateway writes a control event."""
        self.logs.append(Kind.CONTROL, [control], EVENTS)

    def refuse(self, count: int, source: str) -> None:
        """So many events of a source are refused now."""
        rejects = []
        for _ in range(count):
            self.number += 1
            rejects.append(
                Reject(
                    f"r{self.number}",
                    source,
                    "",
                    "",
                    "/v1/web/events",
                    "schema",
                    "",
                    "ingest",
                    to_text(self.now_us),
                    1,
                    "",
                    0,
                )
            )
        self.logs.append(Kind.REJECTS, rejects, INGEST_REJECTS)

    def tick(self, *, detected: bool = True) -> None:
        """The clock is written into the log, and the detector has folded all there is."""
        self.control(ClockTicked(to_text(self.now_us)))
        if detected:
            writer = self.logs.writers[EVENTS]
            self.logs.progress(max(writer.ends().values()), writer.log_id())

    def turn(self, minutes: float = 0.0, *, tick: bool = True) -> None:
        """Time passes, and the engine takes what there is and judges."""
        self.now_us += round(minutes * MINUTE_US)
        self.monotonic_us += max(round(minutes * MINUTE_US), 2 * SECOND_US)
        if tick:
            self.tick()
        while self.engine.step():
            pass

    def turns(self, minutes: int) -> None:
        """A round a minute."""
        for _ in range(minutes):
            self.turn(1)

    def open(self) -> list[Alert]:
        """The alerts that are not resolved."""
        return list(self.keeping.open())

    def steps(self) -> list[str]:
        """All that was to be told, in order."""
        alerts = [*self.keeping.open(), *self.keeping.resolved(0)]
        rows = [row for alert in alerts for row in self.registry.outbox.of(alert.id)]
        return [row.message.decode().split()[0] for row in sorted(rows, key=lambda row: (row.created_us, row.number))]

    def loaded(self) -> dict[str, int]:
        """How far the loader is, by stream."""
        return {
            stream: max(each.next_offset for each in at.values()) for stream, at in read_positions(self.store).items()
        }
