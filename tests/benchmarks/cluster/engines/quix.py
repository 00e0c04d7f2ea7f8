"""The two rules in Quix Streams: one state a journey in RocksDB, its changes written to a changelog at every commit."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from quixstreams import Application, State

from tests.benchmarks.cluster.engines.marks import Marks
from tests.benchmarks.cluster.engines.two_rules import journey_of, judge, matters, new_state


def main(config: dict[str, Any]) -> None:
    """Run until a signal."""
    app = Application(
        broker_address=config["brokers"],
        consumer_group=config["group"],
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=config["folder"],
        loglevel="WARNING",
    )
    source = app.topic(config["input"], key_deserializer="str", value_deserializer="json")
    points = app.topic(config["output"], value_serializer="json")
    marks = Marks(config["records"])

    def wanted(event: Any) -> bool:
        marks.read()
        return matters(event)

    def fold(event: Any, state: State) -> list[dict[str, Any]]:
        """The state of Quix Streams belongs to the message's key, which is the subject."""
        name = event["data"]["service"]
        journey = state.get(name) or new_state()
        found = judge(journey, event)
        state.set(name, journey)
        return found

    def fold_all(events: Any, state: State) -> Iterator[dict[str, Any]]:
        """Records of many events are keyed by their partition: the journeys are found within its state by name."""
        marks.read()
        for event in events:
            if matters(event):
                name = journey_of(event)
                journey = state.get(name) or new_state()
                yield from judge(journey, event)
                state.set(name, journey)

    events = app.dataframe(source)
    if config["record_events"] == 1:
        found = events.filter(wanted).apply(fold, stateful=True, expand=True)
    else:
        found = events.apply(lambda values, state: list(fold_all(values, state)), stateful=True, expand=True)
    found.to_topic(points)
    app.run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
