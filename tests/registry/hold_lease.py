"""A process that keeps a lease and says so, until it is killed: `python -m tests.registry.hold_lease URL NAME TTL_S`."""

import sys
import time

from shared.registry.keeper import LeaseKeeper
from shared.registry.registry import Registry


def main() -> None:
    """Print `held TOKEN` once, then count on while the lease is held."""
    url, name, ttl_s = sys.argv[1:]
    with Registry(url) as registry, LeaseKeeper(registry.leases, name, "child", float(ttl_s)) as keeper:
        while not keeper.wait(1.0):
            pass
        print("held", keeper.token, flush=True)
        while True:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
