"""What a repair has changed: an interrupted time series with its weekly pattern. Pure: no clock, no I/O."""
