"""The floor: aiokafka reads the records and msgspec decodes them, as the detector does; nothing else is done."""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.detection.occurrence import decode_arrivals
from tests.benchmarks.cluster.engines.marks import Marks, mark

_FETCH_BYTES = 1_048_576


async def _read(config: dict[str, object]) -> None:
    records = int(str(config["records"]))
    marks, where = Marks(records), TopicPartition(str(config["input"]), 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=config["brokers"], max_partition_fetch_bytes=_FETCH_BYTES)
    await consumer.start()
    consumer.assign([where])
    await consumer.seek_to_beginning(where)
    count = 0
    while count < records:
        found = (await consumer.getmany(where, timeout_ms=500, max_records=500)).get(where, ())
        marks.read(len(found))
        for record in found:
            if record.headers[0][1] == b"events":
                decode_arrivals(record.value)
        count += len(found)
    mark("end")
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(_read(json.loads(sys.argv[1])))
