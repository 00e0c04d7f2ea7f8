"""What a difference says, in words."""

from typing import Final

from services.insights.language import N_

READINGS: Final = {
    "higher": N_("higher"),
    "lower": N_("lower"),
    "no_difference": N_("no difference that the data can tell"),
    "unknown": N_("not known"),
}
"""Of `intervals.Reading`."""
