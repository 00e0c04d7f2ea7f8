"""A real gateway process for the tests: real logs in a folder, served by uvicorn in a thread."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI

from services.casework.app import routes as casework_routes
from services.channel_counter.app import routes as counter_routes
from services.channel_phone.app import routes as phone_routes
from services.channel_web.app import routes as web_routes
from shared.clock import now_us
from shared.ingest.app import build_ingest_app
from shared.ingest.gateway import Gateway, GatewayParts
from shared.ingest.published_rules import PublishedRulesFile
from shared.ingest.rejects import Reject
from shared.journey.codec import decode_controls, decode_events
from shared.journey.control import AnyControl
from shared.journey.event import Event
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Kind, StoredRecord
from shared.privacy.keys import Keys
from shared.privacy.pseudonyms import Pseudonymiser, normalise_subject
from shared.privacy.scrubbing import scrub
from shared.privacy.sealing import Sealer

EVENTS_STREAM = "journey-events.ingest"
REJECTS_STREAM = "rejected-events.ingest"
RULES = {"repeat_contact": {"min_gap_s": 300, "window_s": 604_800}}
PATHS = ("/v1/web/events", "/v1/phone/events", "/v1/counter/events", "/v1/events")
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"


KEYS = Keys(routing=b"r" * 32, pseudonym={1: b"p" * 32}, sealing=b"s" * 32)


def open_log(folder: Path, stream: str = EVENTS_STREAM, partitions: int = 1) -> LocalLogWriter:
    """The writer of a stream below `folder`."""
    return LocalLogWriter(folder / "log" / f"{stream}.sqlite", stream, partitions)


def gateway_parts(folder: Path, partitions: int = 1, **given: Any) -> GatewayParts:
    """What a gateway needs, with real logs below `folder`; `given` takes the place of single parts."""
    parts = {
        "keys": Pseudonymiser(KEYS),
        "normalise": lambda text: normalise_subject(text, "FR"),
        "scrub": scrub,
        "sealer": Sealer(KEYS.sealing),
        "rules": RULES,
        "published_rules": PublishedRulesFile(
            folder / "log" / "published-rules.json",
            LocalLogReader(folder / "log" / f"{EVENTS_STREAM}.sqlite", EVENTS_STREAM),
        ),
        "data_folder": folder,
        "min_free_bytes": 0,
        "linger_ms": 1,
        "max_pending_bytes": 32_000_000,
        "now_us": now_us,
    } | given
    if "events_log" not in parts:
        parts["events_log"] = open_log(folder, EVENTS_STREAM, partitions)
    if "rejects_log" not in parts:
        parts["rejects_log"] = open_log(folder, REJECTS_STREAM)
    return GatewayParts(**parts)


def gateway_app(gateway: Gateway) -> FastAPI:
    """The whole ingest application."""
    routers = [web_routes(gateway), phone_routes(gateway), counter_routes(gateway), casework_routes(gateway)]
    return build_ingest_app(gateway, routers)


@dataclass
class Served:
    """A gateway process that runs: where it listens, and what its logs hold."""

    folder: Path
    port: int
    gateway: Gateway
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def post(self, body: bytes, content_type: str = BATCH, path: str = "/v1/events", **headers: str) -> httpx.Response:
        """Post a body."""
        return self.client.post(path, content=body, headers={"Content-Type": content_type, **headers})

    def records(self, stream: str = EVENTS_STREAM) -> list[StoredRecord]:
        """Everything in a log."""
        reader = LocalLogReader(self.folder / "log" / f"{stream}.sqlite", stream)
        try:
            return reader.read({}, 1_000_000_000)
        finally:
            reader.close()

    def events(self) -> list[Event]:
        """All stored events."""
        return [
            event for record in self.records() if record.kind is Kind.EVENTS for event in decode_events(record.value)
        ]

    def controls(self) -> list[AnyControl]:
        """All control events."""
        return [
            item for record in self.records() if record.kind is Kind.CONTROL for item in decode_controls(record.value)
        ]

    def rejects(self) -> list[Reject]:
        """All rejects."""
        return [
            reject
            for record in self.records(REJECTS_STREAM)
            for reject in msgspec.json.decode(record.value, type=list[Reject])
        ]


@contextmanager
def serve(
    folder: Path, partitions: int = 1, *, prepare: Callable[[FastAPI], None] = lambda _app: None, **given: Any
) -> Iterator[Served]:
    """Run a gateway process in a thread, until the block ends; `prepare` may add to its application."""
    gateway = Gateway(gateway_parts(folder, partitions, **given))
    app = gateway_app(gateway)
    prepare(app)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="on", loop="uvloop", http="httptools")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        served = Served(folder, listener.getsockname()[1], gateway)
        with served.client:
            yield served
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
