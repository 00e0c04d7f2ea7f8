"""Rounds of faults on a whole cluster, in small: continuous integration does six, `make torture` two hundred."""

from collections.abc import Callable
from random import Random

from tests.cluster.cluster import Cluster
from tests.cluster.rounds import FAULTS, broker_long_away, plan_of, rounds_on, seed_of_environment
from tests.conftest import IN_CI

ROUNDS = 6
EVENTS_A_ROUND = 1_000


def test_rounds_of_faults(cluster_of: Callable[..., Cluster]) -> None:
    """Whatever is killed, paused or cut off: what was acknowledged is stored once, and the points are the defined ones.

    Every fault comes at least once, the broker is killed for three seconds in each round and once for a minute;
    publishers are then refused with 503, and no service grows by 100 MiB. A failure names its seed.
    """
    seed = seed_of_environment(1 if IN_CI else None)
    print(f"TORTURE_SEED={seed}")
    rounds = rounds_on(cluster_of, seed, EVENTS_A_ROUND)
    plan = plan_of(Random(f"{seed} plan"), ROUNDS, len(FAULTS))
    plan[-1].append(broker_long_away)
    rounds.cluster.start()
    for number, faults in enumerate(plan):
        print(rounds.run(number, faults), flush=True)
    assert set(rounds.struck) >= {fault.__name__ for fault in (*FAULTS, broker_long_away)}
    assert rounds.refusals_503 > 0
    assert rounds.stored == ROUNDS * EVENTS_A_ROUND
    assert set(rounds.cluster.stop().values()) == {0}
