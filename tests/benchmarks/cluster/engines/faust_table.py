"""The two rules in a Faust Table: one state a journey in memory, every change written to the table's changelog."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import faust
import msgspec

from tests.benchmarks.cluster.engines.marks import Marks
from tests.benchmarks.cluster.engines.two_rules import journey_of, judge, matters, new_state


def make_app(config: dict[str, Any]) -> Any:
    """The app: records of one event, or arrays of events."""
    app = faust.App(
        config["group"],
        broker=f"kafka://{config['brokers']}",
        store="memory://",
        topic_partitions=1,
        topic_replication_factor=1,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        stream_buffer_maxsize=16_384,
        broker_max_poll_records=5_000,
        producer_linger=0.01,
        web_enabled=False,
        worker_redirect_stdouts=False,
        datadir=Path(tempfile.mkdtemp(dir=config["folder"])),
    )
    source = app.topic(config["input"], key_serializer="raw", value_serializer="raw", partitions=1)
    points = app.topic(config["output"], key_serializer="raw", value_serializer="raw", partitions=1)
    journeys = app.Table("journeys", partitions=1)
    marks = Marks(config["records"])
    decode, encode = msgspec.json.decode, msgspec.json.encode

    async def fold(event: Any) -> None:
        if not matters(event):
            return
        key = journey_of(event)
        state = journeys.get(key) or new_state()
        found = judge(state, event)
        journeys[key] = state
        for point in found:
            await points.send(key=event["subject"].encode(), value=encode(point))

    async def detect(stream: Any) -> None:
        async for value in stream:
            marks.read()
            content = decode(value)
            for event in content if isinstance(content, list) else (content,):
                await fold(event)

    app.agent(source, name="two-rules")(detect)
    return app


async def _run(config: dict[str, Any]) -> None:
    app = make_app(config)
    app.finalize()
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
