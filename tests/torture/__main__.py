"""`make torture`: 200 kills at random moments, the full data sets, several settings; the figures must be the known ones.

TORTURE_SEED repeats the choices of a run (the moments still depend on the machine), TORTURE_KILLS sets how many kills.
"""

import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.clock import now_us
from tests.torture.ordeal import Ordeal, endure
from tests.torture.workload import digest, random_workload, sample_workload, together

SETTINGS: Sequence[Mapping[str, str]] = (
    {},
    {"partitions": "3", "checkpoint_ms": "200", "hot_journeys": "50", "young_journeys": "200"},
    {"linger_ms": "20", "log_retention_days": "0"},
    {"partitions": "8", "checkpoint_ms": "5000", "young_journeys": "2000"},
)
"""One after the other: as shipped; tiny memory; a log that keeps nothing; rare checkpoints."""
KILLS = 200
KILLS_OF_ONE_RUN = 40
MEAN_S = 3.0
RANDOM_EVENTS = 15_000
DIGESTS = {"/import/kansas-city-311": "0a53f7dee073b036", "/import/permits": "292570bcc2058f85"}
POINTS = {"repeat_contact": 2_270, "channel_switch": 692, "deadline_missed": 482, "ping_pong": 537, "rework": 245}
"""Of the two samples together."""


def main() -> int:
    """All runs; the exit status is 1 at the first that fails, whose folder is kept."""
    seed = int(os.environ.get("TORTURE_SEED") or random.randrange(10**6))
    kills = int(os.environ.get("TORTURE_KILLS") or KILLS)
    runs = max(1, round(kills / KILLS_OF_ONE_RUN))
    print(f"TORTURE_SEED={seed} TORTURE_KILLS={kills}: {runs} runs", flush=True)
    samples = sample_workload()
    expected = samples.expected(now_us())
    check_known(expected)
    for number in range(runs):
        chosen = random_workload(seed + number, RANDOM_EVENTS)
        share = kills // runs + (number < kills % runs)
        ordeal = Ordeal(seed + number, together(samples, chosen), share, MEAN_S, SETTINGS[number % len(SETTINGS)])
        folder = Path(tempfile.mkdtemp(prefix="parcours-torture-"))
        try:
            outcome = endure(ordeal, folder / "run", sorted([*expected, *chosen.expected(now_us())]))
            check_known(outcome.points)
        except Exception as error:
            print(f"FAILED: {error!r}\nTORTURE_SEED={seed} (run {number}), settings {ordeal.settings}; folder {folder}")
            return 1
        shutil.rmtree(folder)
        print(f"{outcome.figures}; settings {ordeal.settings}", flush=True)
    return 0


def check_known(points: Sequence[str]) -> None:
    """The points of the samples are those known from elsewhere."""
    found = {source: digest(points, source) for source in DIGESTS}
    assert found == DIGESTS, found
    rules = Counter(point["rule"] for point in map(json.loads, points) if point["source"] in DIGESTS)
    assert rules == POINTS, rules


if __name__ == "__main__":
    sys.exit(main())
