"""Run in an environment of its own: what pm4py counts in a log of events, as JSON.

Argument: a CSV file with the columns case, step and time (RFC 3339), in the order that decides between equal times.
"""

import json
import sys

import pandas as pd
import pm4py


def main(path: str) -> None:
    """Print the directly-follows graph, its starts and ends, and the cases per activity that do it more than once."""
    log = pd.read_csv(path, dtype=str, keep_default_na=False)
    log["time"] = pd.to_datetime(log["time"], utc=True)
    events = pm4py.format_dataframe(log, case_id="case", activity_key="step", timestamp_key="time")
    traces = pm4py.convert_to_event_log(events)
    graph, starts, ends = pm4py.discover_dfg(traces)
    counts = {
        "graph": [[origin, target, found] for (origin, target), found in graph.items()],
        "starts": starts,
        "ends": ends,
        "rework": pm4py.get_rework_cases_per_activity(traces),
    }
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1])
