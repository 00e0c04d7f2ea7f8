"""How long a gateway takes for an event, by part of its way, and how many it makes durable a second.

Run as `python -m tests.benchmarks.bench_gateway_path [--profile]`. The first figures call the judging code alone; the
last post batches of 500 over HTTP to a server in a process of its own, from four connections.
"""

import asyncio
import cProfile
import json
import multiprocessing
import pstats
import random
import statistics
import sys
import tempfile
import time
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from uuid import UUID

import httpx

from shared.clock import now_us
from shared.ingest.body import Form, split_body
from shared.ingest.intake import Intake
from shared.ingest.rejects import Refusals
from shared.ingest.validate import Validator, arrival_at
from shared.journey.vocabulary import EVENT_TYPES
from shared.privacy.pseudonyms import Pseudonymiser, normalise_subject
from shared.privacy.scrubbing import scrub
from shared.privacy.sealing import Sealer
from tests.ingest.parts import BATCH, KEYS, serve

BATCH_EVENTS = 500
CONNECTIONS = 4


def make_batch(rng: random.Random, batch: int) -> bytes:
    """500 events of 400 bytes as a channel would send them: UUID ids, 100,000 subjects."""
    events = [
        {
            "specversion": "1.0",
            "id": str(UUID(int=rng.getrandbits(128))),
            "source": "/phone/pbx",
            "type": "parcours." + rng.choice(EVENT_TYPES),
            "time": f"2026-10-{1 + batch % 28:02}T{rng.randrange(24):02}:{rng.randrange(60):02}:07.25+01:00",
            "subject": f"account:{rng.randrange(100_000)}",
            "datacontenttype": "application/json",
            "data": {
                "service": "housing-benefit",
                "contact": str(UUID(int=rng.getrandbits(128))),
                "team": "north",
                "territory": "fr/idf/75/75012",
                "wait_s": rng.randrange(900),
            },
        }
        for _ in range(BATCH_EVENTS)
    ]
    return json.dumps(events).encode()


def _normalise(subject: str) -> str:
    return normalise_subject(subject, "FR")


def judge(validator: Validator, batches: list[bytes]) -> int:
    """Split and judge the batches; how many events were accepted."""
    accepted = 0
    for body in batches:
        arrival = arrival_at(now_us(), now_us(), "phone")
        intake = Intake(validator, Refusals(Sealer(KEYS.sealing), "/v1/events", arrival.recordedtime), arrival, "en")
        events = split_body(Form.BATCH, body)
        intake.judge(events.events, events.utf8)
        intake.accepted_parts()
        accepted += intake.answer().accepted
    return accepted


def measure_judging(batches: list[bytes]) -> float:
    """Microseconds an event from bytes to encoded event: the median of five rounds."""
    validator = Validator(Pseudonymiser(KEYS, 1), _normalise, scrub)
    rounds = []
    for _ in range(5):
        start_s = time.perf_counter()
        accepted = judge(validator, batches)
        rounds.append((time.perf_counter() - start_s) / accepted * 1e6)
    return statistics.median(rounds)


def run_server(folder: str, port: "multiprocessing.Queue[int]", stop: Signal) -> None:
    """The gateway process; reports its port, then its processor seconds."""
    with serve(Path(folder)) as served:
        port.put(served.port)
        stop.wait()
        port.put(int(time.process_time() * 1_000))


async def post_all(port: int, batches: list[bytes], seconds: float) -> int:
    """Post batches over several connections for some seconds; how many events were answered with 202."""
    end_s = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=CONNECTIONS)

    async def one(client: httpx.AsyncClient, number: int) -> int:
        accepted = 0
        while time.monotonic() < end_s:
            body = batches[number % len(batches)]
            number += CONNECTIONS
            response = await client.post("/v1/phone/events", content=body, headers={"Content-Type": BATCH})
            accepted += BATCH_EVENTS if response.status_code == 202 else 0
        return accepted

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60) as client:
        return sum(await asyncio.gather(*(one(client, number) for number in range(CONNECTIONS))))


def measure_http(batches: list[bytes], seconds: float = 8.0) -> tuple[float, float]:
    """Events a second that got their 202 after being durable, and the server's processor microseconds an event."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        answers: multiprocessing.Queue[int] = context.Queue()
        stop = context.Event()
        process = context.Process(target=run_server, args=(folder, answers, stop))
        process.start()
        port = answers.get(timeout=30)
        start_s = time.monotonic()
        accepted = asyncio.run(post_all(port, batches, seconds))
        elapsed_s = time.monotonic() - start_s
        stop.set()
        processor_s = answers.get(timeout=30) / 1_000
        process.join(30)
    return accepted / elapsed_s, processor_s / accepted * 1e6


def main() -> None:
    """Print the figures, or with `--profile` where judging spends its time."""
    rng = random.Random(3)
    batches = [make_batch(rng, number) for number in range(60)]
    if "--profile" in sys.argv:
        profile = cProfile.Profile()
        profile.runcall(judge, Validator(Pseudonymiser(KEYS, 1), _normalise, scrub), batches)
        pstats.Stats(profile).sort_stats("tottime").print_stats(18)
        return
    print(f"bytes an event: {len(batches[0]) / BATCH_EVENTS:.0f}")
    print(f"judging: {measure_judging(batches):.1f} microseconds an event")
    rate, processor_us = measure_http(batches)
    print(f"over HTTP, batches of {BATCH_EVENTS}, durable: {rate:,.0f} events a second")
    print(f"processor of the gateway: {processor_us:.1f} microseconds an event")


if __name__ == "__main__":
    main()
