-- The day of an event and of a judged contact, of which there is nearly nothing to read: what counts rows of full days need not
-- read their times (as `points`, 0014).
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS day Date MATERIALIZED toDate(time),
    ADD INDEX IF NOT EXISTS day_index day TYPE minmax GRANULARITY 1;

ALTER TABLE events MATERIALIZE COLUMN day, MATERIALIZE INDEX day_index;

ALTER TABLE judged_contacts ADD COLUMN IF NOT EXISTS day Date MATERIALIZED toDate(time);

ALTER TABLE judged_contacts MATERIALIZE COLUMN day;
