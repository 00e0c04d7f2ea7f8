"""A loader process for tests to kill: `python -m tests.loader.kill_me FOLDER`; it loads until it has no more to load."""

import sys
from pathlib import Path

from shared.store.client import Store
from shared.store.migrate import migrate
from tests.loader.samples import Logs


def main() -> None:
    """Load what is there, in small batches; say so when all of it is."""
    folder = Path(sys.argv[1])
    logs = Logs(folder / "log")
    store = Store(f"chdb://{folder / 'clickhouse'}", memory_mb=1_024, query_limit_s=20)
    migrate(store)
    loader = logs.loader(store, batch_bytes=300_000)
    print("loading", flush=True)
    while any(loader.run_once()):
        pass
    print(store.query("SELECT count(), uniqExact(source, id) FROM events").rows[0], flush=True)
    print(store.query("SELECT count(), sum(sign), uniqExact(id, revision, sign) FROM points").rows[0], flush=True)
    print(store.query("SELECT count() FROM rejects").rows[0], flush=True)
    store.close()


if __name__ == "__main__":
    main()
