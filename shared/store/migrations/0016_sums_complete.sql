-- Sums are read by name from now on (shared/store/stored_sums.py), not where ClickHouse finds that they answer: every part must
-- have them. What was loaded before a projection was added got it in the background; here that is waited for. A part that has
-- a projection is left as it is, and every part written since then has all of them.
ALTER TABLE events APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE events
    MATERIALIZE PROJECTION hourly_events,
    MATERIALIZE PROJECTION names_of_events,
    MATERIALIZE PROJECTION daily_events,
    MATERIALIZE PROJECTION monthly_events,
    MATERIALIZE PROJECTION monthly_steps,
    MATERIALIZE PROJECTION monthly_totals
SETTINGS mutations_sync = 2;

ALTER TABLE points APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE points
    MATERIALIZE PROJECTION hourly_points,
    MATERIALIZE PROJECTION daily_points,
    MATERIALIZE PROJECTION monthly_points,
    MATERIALIZE PROJECTION monthly_points_by_step,
    MATERIALIZE PROJECTION monthly_point_totals
SETTINGS mutations_sync = 2;
