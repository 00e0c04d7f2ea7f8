"""How an engine is, as health, metrics and people ask it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

SILENT_S: Final = 180.0
"""A round comes every minute: three that did not come mean that nobody is looking."""
MAX_FAILING_S: Final = 10.0


class EngineStatus(Struct, frozen=True, kw_only=True):
    """rounds: since the start; round_s: what the last took; age_s: how long ago it was judged, or the engine began, if there was none.

    behind_s: how far its event time was behind the clock; looked_us, through_us: of the last round the clock and the event time.
    refused: rows beyond the bound of what is counted.
    """

    rounds: int = 0
    round_s: float = 0.0
    age_s: float = 0.0
    behind_s: float = 0.0
    failing_s: float = 0.0
    error: str = ""
    series: int = 0
    left_out: int = 0
    unknown: int = 0
    rows: int = 0
    refused: int = 0
    open: Mapping[str, int] = {}
    looked_us: int | None = None
    through_us: int | None = None

    def trouble(self) -> str:
        """Why nobody is looking; '' while somebody is."""
        if self.failing_s > MAX_FAILING_S:
            return f"Watching for alerts has failed for {self.failing_s:.0f} s: {self.error}"
        if self.age_s > SILENT_S:
            return f"No round of alerts has been judged for {self.age_s:.0f} s"
        return ""

    def gaps(self) -> str:
        """What is not looked at, though somebody is looking; '' when all is."""
        found = []
        if self.left_out:
            found.append(f"{self.left_out:,} series are not watched, beyond rises.max_series")
        if self.refused:
            found.append(f"{self.refused:,} points were not counted: too many within the windows")
        return "; ".join(found)
