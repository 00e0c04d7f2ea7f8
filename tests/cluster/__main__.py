"""`make torture`, second part: 200 rounds of faults on a whole cluster, a fresh one for every twenty.

TORTURE_SEED repeats the choices of a run (the moments still depend on the machine), TORTURE_ROUNDS sets how many rounds.
"""

import os
import random
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final

from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.cluster.cluster import Cluster
from tests.cluster.rounds import Rounds, broker_long_away, plan_of, rounds_on
from tests.kafka_broker.broker import Broker
from tests.registry.postgresql import PostgreSQL

ROUNDS: Final = 200
ROUNDS_OF_ONE_CLUSTER: Final = 20
FAULTS_A_ROUND: Final = 3
EVENTS_A_ROUND: Final = 2_000


def main() -> int:
    """All rounds; the exit status is 1 at the first that fails, whose folder is kept."""
    seed = int(os.environ.get("TORTURE_SEED") or random.randrange(10**6))
    count = int(os.environ.get("TORTURE_ROUNDS") or ROUNDS)
    print(f"TORTURE_SEED={seed} TORTURE_ROUNDS={count}", flush=True)
    for first in range(0, count, ROUNDS_OF_ONE_CLUSTER):
        folder = Path(tempfile.mkdtemp(prefix="parcours-cluster-"))
        try:
            _on_one_cluster(seed + first, min(ROUNDS_OF_ONE_CLUSTER, count - first), folder)
        except Exception as error:
            print(f"FAILED: {error!r}\nTORTURE_SEED={seed} (rounds from {first}); folder {folder}")
            return 1
        shutil.rmtree(folder)
    return 0


def _on_one_cluster(seed: int, count: int, folder: Path) -> None:
    with ExitStack() as stack:
        rounds = rounds_on(lambda rules: _cluster(rules, folder, stack), seed, EVENTS_A_ROUND)
        plan = plan_of(Random(f"{seed} plan"), count, count * FAULTS_A_ROUND)
        plan[-1].append(broker_long_away)
        rounds.cluster.start()
        for number, faults in enumerate(plan):
            print(rounds.run(number, faults), flush=True)
        _finish(rounds)


def _finish(rounds: Rounds) -> None:
    statuses = rounds.cluster.stop()
    assert set(statuses.values()) == {0}, statuses
    print(
        f"{rounds.stored} events stored, {dict(rounds.struck)}; {rounds.refusals_503} answers of 503 while the broker was "
        f"away, memory grown by {rounds.grown_bytes / 1_048_576:.0f} MiB at most",
        flush=True,
    )


def _cluster(rules: str, folder: Path, stack: ExitStack) -> Cluster:
    broker = Broker(folder / "kafka").start()
    stack.callback(broker.kill)
    clickhouse = ClickHouseOverHttp(folder / "clickhouse")
    clickhouse.start()
    stack.callback(clickhouse.kill)
    registry = PostgreSQL()
    stack.callback(registry.remove)
    registry.start()
    (folder / "rules.toml").write_text(rules, encoding="utf-8")
    cluster = Cluster(folder / "cluster", broker, clickhouse, registry.url, rules=str(folder / "rules.toml"))
    stack.callback(cluster.kill)
    return cluster


if __name__ == "__main__":
    sys.exit(main())
