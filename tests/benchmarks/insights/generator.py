"""Synthetic journeys by the million, straight into ClickHouse: same seed, same events.

Events bypass gateways and loader; journeys are assembled by the assembler itself. Points are written from the journeys, by
conditions that resemble the rules: their numbers are plausible, their content is not detection's.
"""

import argparse
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from services.loader.assembly import assemble_all
from shared.store.client import Store, insert_rows
from shared.store.migrate import migrate
from tests.benchmarks.insights import scenarios
from tests.benchmarks.insights.scenarios import SCRIPTS, SERVICES, TERRITORIES, Script

SOURCE: Final = "/synthetic"
FIRST_DAY: Final = "2023-07-01"
AFTER_LAST_DAY: Final = "2026-07-01"
_CHUNK_EVENTS: Final = 500_000
_JOURNEYS_OF_A_CITIZEN: Final = 2.5
_GROWTH_A_YEAR: Final = 0.10
_MEMORY_MB: Final = 2_048
_QUERY_LIMIT_S: Final = 600
_DAY_US: Final = 86_400_000_000
_STEPS: Final = [step for script in SCRIPTS for step in script.steps]

_STAGING: Final = """
CREATE OR REPLACE TABLE synthetic_events
(journey UInt32, citizen UInt32, service UInt8, territory UInt8, step UInt16, time Int64, wait Float32, rating UInt8)
ENGINE = Memory
"""
_FILL: Final = """
INSERT INTO events (source, id, type, time, recordedtime, subject, shard, service, channel, step, contact, case, session,
    office, territory, wait_s, due, outcome, rating, lang)
WITH
    {types:Array(String)}[step] AS kind, {channels:Array(String)}[step] AS on, {contacts:Array(UInt8)}[step] AS visit,
    'p1-' || substring(base64URLEncode(sipHash128(citizen)), 1, 22) AS person,
    {services:Array(String)}[service] AS name,
    fromUnixTimestamp64Micro(time, 'UTC') AS at
SELECT
    {source:String}, hex(sipHash64(person, name, at, kind)), kind, at, at, person, citizen % 1024, name, on,
    {steps:Array(String)}[step], visit = 0 ? '' : 'c' || toString(journey) || '-' || toString(visit),
    {cases:Array(UInt8)}[step] ? 'k' || toString(journey) : '', on = 'web' ? 's' || toString(journey) : '',
    on = 'counter' ? 'office-' || toString(territory % 50) : '', {territories:Array(String)}[territory],
    wait < 0 ? NULL : toFloat64(wait), kind = 'case.opened' ? at + INTERVAL 30 DAY : NULL,
    kind = 'case.decided' ? 'done' : '', rating = 0 ? NULL : toFloat64(rating), 'en'
FROM synthetic_events
"""


class Generated(NamedTuple):
    """What was written, how long each part took, and how much of processors assembling used."""

    events: int
    journeys: int
    points: int
    events_s: float
    assembling_s: float
    points_s: float
    assembling_processor_s: float


def generate(store: Store, events: int, seed: int = 1) -> Generated:
    """Fill an empty, migrated store with about so many events."""
    writer = store.writer()
    start_s = time.monotonic()
    write_events(writer, events, seed)
    events_s, used_s = time.monotonic(), time.process_time()
    assemble_all(store)
    writer.command("OPTIMIZE TABLE journeys FINAL")  # what ClickHouse does by itself once a year of journeys is at rest
    assembled_s, used_s = time.monotonic(), time.process_time() - used_s
    write_points(writer)
    writer.command(_NOTE_POINTS)
    assemble_all(store)
    points_s = time.monotonic()
    found = store.query(
        "SELECT (SELECT count() FROM events), (SELECT count() FROM journeys), (SELECT count() FROM points)"
    )
    counted, journeys, points = (int(count) for count in found.rows[0])
    times = (events_s - start_s, assembled_s - events_s, points_s - assembled_s, used_s)
    return Generated(counted, journeys, points, *(round(each, 1) for each in times))


def write_events(writer: Client, events: int, seed: int) -> None:
    """The events, a span of days at a time."""
    chance = np.random.default_rng(seed)
    writer.command(_STAGING)
    names = {
        "types": [step.type for step in _STEPS],
        "channels": [step.channel for step in _STEPS],
        "steps": [step.step for step in _STEPS],
        "contacts": [step.contact for step in _STEPS],
        "cases": [int(step.case) for step in _STEPS],
        "services": list(SERVICES),
        "territories": list(TERRITORIES),
        "source": SOURCE,
    }
    for table in _tables(events, chance):
        writer.command("TRUNCATE TABLE synthetic_events")
        file = io.BytesIO()
        pq.write_table(table, file, compression="NONE", use_dictionary=False)
        insert_rows(writer, "synthetic_events", file.getvalue(), "Parquet")
        writer.command(_FILL, parameters=names)
    writer.command("DROP TABLE synthetic_events")


def _tables(events: int, chance: np.random.Generator) -> Iterator[pa.Table]:
    """Chunks in order of time."""
    first = np.datetime64(FIRST_DAY, "D")
    days = int((np.datetime64(AFTER_LAST_DAY, "D") - first).astype(int))
    weights = _weights_of_days(first, days)
    journeys_of_day = weights / weights.sum() * events / _mean_events()
    citizens = max(int(journeys_of_day.sum() / _JOURNEYS_OF_A_CITIZEN), 1)
    spans = np.floor(np.cumsum(journeys_of_day * _mean_events()) / _CHUNK_EVENTS)
    number = 0
    for span in np.unique(spans):
        of_span = np.flatnonzero(spans == span)
        count = chance.poisson(journeys_of_day[of_span])
        day = np.repeat(of_span, count)
        hours = scenarios.CALENDAR_HOURS / scenarios.CALENDAR_HOURS.sum()
        hour = chance.choice(24, size=len(day), p=hours)
        start_us = (first.astype("datetime64[us]").astype(np.int64) + day * _DAY_US) + hour * 3_600_000_000
        start_us = start_us + chance.integers(0, 3_600_000_000, len(day))
        yield _chunk(start_us, number, citizens, chance)
        number += len(day)


def _weights_of_days(first: np.datetime64, days: int) -> NDArray[np.float64]:
    day = np.arange(days)
    weekday = (first.astype("datetime64[D]").astype(int) + 3 + day) % 7  # 1970-01-01 was a Thursday
    season = 1 + 0.15 * np.sin(2 * np.pi * day / 365.25)
    return np.asarray(scenarios.CALENDAR_DAYS[weekday] * season * (1 + _GROWTH_A_YEAR * day / 365.25), dtype=np.float64)


def _mean_events() -> float:
    """Events of a journey on average."""
    weights = sum(script.weight for script in SCRIPTS)
    return sum(
        script.weight / weights * sum(min(step.high, 1.0) - step.low for step in script.steps) for script in SCRIPTS
    )


def _chunk(start_us: NDArray[np.int64], first: int, citizens: int, chance: np.random.Generator) -> pa.Table:
    count = len(start_us)
    weights = np.array([script.weight for script in SCRIPTS])
    script = chance.choice(len(SCRIPTS), size=count, p=weights / weights.sum())
    of_services = np.array(scenarios.SERVICE_WEIGHTS, float)
    service = chance.choice(len(SERVICES), size=count, p=of_services / of_services.sum())
    of_places = 1 / np.arange(1, len(TERRITORIES) + 1) ** 0.6
    territory = chance.choice(len(TERRITORIES), size=count, p=of_places / of_places.sum())
    citizen = chance.integers(0, citizens, count)
    pieces: dict[str, list[NDArray[Any]]] = {}
    offset = 0
    for number, each in enumerate(SCRIPTS):
        of_script = np.flatnonzero(script == number)
        happens, at_us = _play(each, start_us[of_script], service[of_script], chance)
        row, place = np.nonzero(happens)
        journey = of_script[row]
        columns: dict[str, NDArray[Any]] = {
            "journey": (first + journey).astype(np.uint32),
            "citizen": citizen[journey].astype(np.uint32),
            "service": (service[journey] + 1).astype(np.uint8),
            "territory": (territory[journey] + 1).astype(np.uint8),
            "step": (offset + place + 1).astype(np.uint16),
            "time": at_us[row, place],
        }
        for name, values in columns.items():
            pieces.setdefault(name, []).append(values)
        offset += len(each.steps)
    chunk = {name: np.concatenate(values) for name, values in pieces.items()}
    return pa.table(chunk | _measured(chunk["step"], chance))


def _play(
    script: Script, start_us: NDArray[np.int64], service: NDArray[np.int64], chance: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Of every journey, which steps happen and when."""
    count = len(start_us)
    draws = {name: chance.random(count) for name in sorted({step.draw for step in script.steps})}
    _plant(draws, start_us, service)
    happens = np.column_stack([(draws[s.draw] >= s.low) & (draws[s.draw] < s.high) for s in script.steps])
    gap_us = np.array([step.gap_min for step in script.steps]) * 60_000_000
    waits = chance.exponential(1.0, happens.shape) * gap_us * happens
    return happens, start_us[:, None] + np.cumsum(waits, axis=1).astype(np.int64) + np.arange(happens.shape[1])


def _plant(draws: dict[str, NDArray[np.float64]], start_us: NDArray[np.int64], service: NDArray[np.int64]) -> None:
    """The worsening and the repair."""
    if "error" in draws:
        worse = (start_us >= _instant_us(scenarios.WORSE_FROM)) & (service == SERVICES.index(scenarios.WORSE_SERVICE))
        draws["error"][worse] /= scenarios.WORSE_FACTOR
    repaired = start_us >= _instant_us(scenarios.REPAIRED_FROM)
    repaired &= service == SERVICES.index(scenarios.REPAIRED_SERVICE)
    for name in ("call1", "call2"):
        if name in draws:
            given_up = repaired & (draws[name] >= 0.05) & (draws[name] < 0.05 + scenarios.REPAIRED_SHIFT)
            draws[name][given_up] += 0.5


def _instant_us(day: str) -> int:
    return int(np.datetime64(day, "us").astype(np.int64))


def _measured(step: NDArray[np.uint16], chance: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Waits of contacts and ratings; -1 and 0 where there is none."""
    waits = {"call.answered": 240.0, "call.abandoned": 300.0, "ticket.called": 900.0, "ticket.noshow": 900.0}
    mean = np.array([0.0, *(waits.get(each.type, 0.0) for each in _STEPS)])[step]
    rated = np.array([False, *(each.type == "feedback.given" for each in _STEPS)])[step]
    wait = np.where(mean > 0, chance.exponential(1.0, len(step)) * mean, -1.0).astype(np.float32)
    rating = np.where(rated, chance.choice(5, len(step), p=[0.12, 0.1, 0.18, 0.35, 0.25]) + 1, 0).astype(np.uint8)
    return {"wait": wait, "rating": rating}


_NOTE_POINTS: Final = """
INSERT INTO touched_journeys (batch, subject, service, points_only)
SELECT 1 + intDiv(rowNumberInAllBlocks(), 25000), subject, service, 1
FROM (SELECT subject, service FROM points GROUP BY subject, service)
"""
"""As the loader notes whose points it loads."""
_POINT: Final = """
INSERT INTO points (id, revision, sign, rule, version, parameters, figures, source, anchor, subject, service, journey,
    channel, step, office, territory, case, time, evidence, evidence_sources, minutes_citizen, minutes_administration,
    partition, offset)
WITH hex(sipHash64(subject, service, at, type)) AS anchor_id
SELECT
    lower(hex(sipHash128(subject, service, at, type, found))), 1, 1, found, 1, map(), map(), {source:String}, anchor_id,
    subject, service, journey, channel, step, '', territory, case, at, [anchor_id], [{source:String}],
    transform(found, ['repeat_contact', 'channel_switch', 'queue_abandoned', 'turned_away', 'error_loop'],
        [10, 10, 5, 3, 10], 0) AS minutes, minutes / 2, 0, 0
FROM
(
    SELECT subject, service, journey, territory, at, type, channel, step, case,
        arrayJoin(arrayFilter(x -> x != '', [
            type = 'call.abandoned' ? 'queue_abandoned' : '',
            type = 'call.rejected' ? 'turned_away' : '',
            type = 'click.repeated' ? 'repeated_click' : '',
            type = 'case.reopened' ? 'case_reopened' : '',
            type = 'form.error' AND errors = 3 ? 'error_loop' : '',
            contact AND asked > 1 ? 'repeat_contact' : '',
            contact AND asked = 1 AND place > 1 ? 'channel_switch' : '',
            type IN ('call.answered', 'ticket.called') AND chance < 25 ? 'long_wait' : '',
            type = 'form.step' AND step = 'documents' AND NOT sent AND chance < 70 ? 'form_abandoned' : '',
            type = 'case.opened' AND chance < 8 ? 'deadline_missed' : '',
            type = 'message.received' AND chance < 30 ? 'unanswered_message' : '',
            type = 'feedback.given' AND chance < 22 ? 'low_rating' : ''
        ])) AS found
    FROM
    (
        SELECT subject, service, journey, territory, at_, type_, channel_, step_, case_, errors_, asked_, place,
            at_ AS at, type_::String AS type, channel_ AS channel, step_ AS step, case_ AS case,
            errors_ AS errors, asked_ AS asked,
            type_ IN ('call.queued', 'ticket.taken', 'message.received') AS contact,
            cityHash64(at_, subject) % 100 AS chance, sent
        FROM
        (
            SELECT subject, service, journey, territory, j.at AS ats, j.type AS types, j.channel AS channels,
                j.step AS steps, j.case AS cases, has(types, 'form.submitted') AS sent
            FROM journeys AS j FINAL WHERE toYear(started) = {year:UInt16} AND cityHash64(subject) % 4 = {number:UInt8}
        )
        ARRAY JOIN ats AS at_, types AS type_, channels AS channel_, steps AS step_, cases AS case_,
            arrayCumSum(arrayMap(x -> x = 'form.error', types)) AS errors_,
            arrayCumSum(arrayMap(x -> x IN ('call.queued', 'ticket.taken', 'message.received'), types)) AS asked_,
            arrayEnumerate(types) AS place
    )
)
"""


def write_points(writer: Client) -> None:
    """Points that resemble those of detection, of every journey there is."""
    years = writer.query("SELECT DISTINCT toYear(started) AS year FROM journeys ORDER BY year").result_rows
    for (year,) in years:
        for number in range(4):
            writer.command(_POINT, parameters={"source": SOURCE, "year": year, "number": number})


def main(arguments: list[str] | None = None) -> None:
    """`python -m tests.benchmarks.insights.generator FOLDER EVENTS`: a data folder of synthetic journeys, to look at."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.insights.generator", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="a data folder that does not exist yet (PARCOURS_DATA)")
    parser.add_argument("events", type=int, help="about how many")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other events")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, mode=0o700)
    store = Store(f"chdb://{(options.folder / 'clickhouse').resolve()}", _MEMORY_MB, _QUERY_LIMIT_S)
    migrate(store)
    written = generate(store, options.events, options.seed)
    store.close()
    print(msgspec.json.encode(written._asdict()).decode(), flush=True)


if __name__ == "__main__":
    main()
