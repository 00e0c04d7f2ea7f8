"""What a stopped platform holds, as JSON: `python -m tests.torture.stored FOLDER OUTPUT`.

A process of its own, since chDB serves one folder per process.
"""

import json
import sys
from pathlib import Path

from shared.settings import Settings
from shared.store.client import Store
from shared.store.recount import problems, recount

LATE = (
    "SELECT count() FROM events WHERE (source, id, recordedtime) IN (SELECT source, id, recordedtime FROM late_events)"
)


def main() -> None:
    """Count, and list the identities of events and the hashes of refused events, repeats included."""
    folder, output = map(Path, sys.argv[1:])
    settings = Settings()
    store = Store(
        f"chdb://{(folder / 'clickhouse').resolve()}", settings.clickhouse_memory_mb, settings.query_limit_s * 4
    )
    found = {
        "identities": store.query("SELECT source, id FROM events").rows,
        "late": store.query(LATE).rows[0][0],
        "refused": [row[0] for row in store.query("SELECT sha256 FROM rejects").rows],
        "recount": {name: str(finding) for name, finding in problems(recount(store)).items()},
    }
    store.close()
    output.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
