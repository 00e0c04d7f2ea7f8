"""An engine that lives a short story on a real log, ClickHouse and registry, delivers, and is killed where the test says."""

import sys
from pathlib import Path
from typing import Final

import msgspec

from services.alerts.engine import Engine, Streams
from services.alerts.keeping import AlertKeeping
from services.alerts.settings import parse_alerts
from shared.journey.control import ClockTicked
from shared.journey.instants import SECOND_US, to_text
from shared.journey.point import Point
from shared.log.local import LocalLogReader
from shared.log.port import Kind
from shared.registry.registry import Registry
from shared.store.client import Store
from tests.alerts_engine.site import EVENTS, MINUTE_US, T0, TEXT, Inline
from tests.alerts_lifecycle.crash import Crash, Killer, send, tell
from tests.fixtures_store import MEMORY_MB, QUERY_LIMIT_S
from tests.loader.samples import STREAMS, Logs, point

ROUNDS: Final = 9
STORY: Final = {1: (0, 10, 1), 2: (10, 20, 1), 4: (0, 20, -1), 6: (20, 32, 1)}
"""By round: the points that come then, from which number to which, and whether they come or are taken back."""


def rows(number: int) -> list[Point]:
    """What detection says in a round; always the same."""
    first, end, sign = STORY.get(number, (0, 0, 1))
    return [made(each, sign) for each in range(first, end)]


def made(number: int, sign: int) -> Point:
    """The row of a point of the story."""
    minute = 1 if number < 10 else 2 if number < 20 else 6
    row = point(number, revision=1 if sign > 0 else 2, sign=sign, rule="error_loop", service="housing", channel="web")
    return msgspec.structs.replace(row, territory="", source="/web", time=to_text(T0 + minute * MINUTE_US - number))


def live(folder: Path, dsn: str, attempt: int, crash: Crash | None) -> None:
    """Go on with the story where it stands, and die at the crash."""
    logs, store = Logs(folder / "log"), Store(dsn, MEMORY_MB, QUERY_LIMIT_S)
    with Registry(f"sqlite:///{folder / 'registry.sqlite'}") as registry:
        keeping = AlertKeeping(registry, parse_alerts(TEXT, "alerts.toml").policy, tell)
        killer = Killer(registry, crash)
        begun_us = keeping.begin(T0).round_us
        first = 0 if begun_us is None else (begun_us - T0) // MINUTE_US + 1
        now = [T0, 0]
        engine = open_engine(folder, store, keeping, now)
        for number in range(max(first, 0), ROUNDS):
            send(registry, folder / "received", attempt, killer, number - 1)
            now[:] = [T0 + number * MINUTE_US, now[1] + MINUTE_US]
            say(logs, number, now[0])
            killer.begin(number)
            while engine.step():
                pass
            killer.reach("committed")
        send(registry, folder / "received", attempt, killer, ROUNDS - 1)


def open_engine(folder: Path, store: Store, keeping: AlertKeeping, now: list[int]) -> Engine:
    """An engine by the clocks of the story."""
    events, points, *rejects = [LocalLogReader(folder / "log" / f"{name}.sqlite", name) for name in STREAMS]
    return Engine(
        store,
        Streams(events, points, rejects),
        keeping,
        parse_alerts(TEXT, "alerts.toml"),
        clock_us=lambda: now[0],
        monotonic_us=lambda: SECOND_US + now[1],
        background=Inline(),
        told=lambda: None,
    )


def say(logs: Logs, number: int, now_us: int) -> None:
    """What comes in a round. What a dead attempt had written already is written again, as a detector would that was killed, too."""
    if points := rows(number):
        logs.append(Kind.POINTS, points)
    logs.append(Kind.CONTROL, [ClockTicked(to_text(now_us))], EVENTS)
    writer = logs.writers[EVENTS]
    logs.progress(max(writer.ends().values()), writer.log_id())


if __name__ == "__main__":
    place, dsn, attempt, *where = sys.argv[1:]
    at = (int(where[1]) if where[1].isdigit() else where[1]) if where else 0
    live(Path(place), dsn, int(attempt), Crash(int(where[0]), at) if where else None)
