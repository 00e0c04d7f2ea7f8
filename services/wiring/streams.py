"""The streams of the log on one machine, and who reads each."""

from typing import Final

from shared.log.port import FRICTIONS, JOURNEY_EVENTS, REJECTED_EVENTS

EVENTS: Final = f"{JOURNEY_EVENTS}.ingest"
INGEST_REJECTS: Final = f"{REJECTED_EVENTS}.ingest"
LOAD_REJECTS: Final = f"{REJECTED_EVENTS}.analytics"
POINTS: Final = f"{FRICTIONS}.detector"

EVENTS_CONSUMERS: Final = ("detector", "loader")
REJECTS_CONSUMERS: Final = ("loader",)
POINTS_CONSUMERS: Final = ("loader",)
ALERTS_CONSUMERS: Final = ()
"""The topic of alerts is read from outside, by programs that tell nobody how far they are."""
