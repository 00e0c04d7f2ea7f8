-- Sums of whole months without the territory: what most questions of a page add up, some ten thousand rows whatever the number of
-- events. Projections, as those of 0009; days answer for periods that begin or end within a month.
ALTER TABLE events
    ADD PROJECTION IF NOT EXISTS monthly_totals
    (
        SELECT
            service, channel, type, rating_level, toStartOfMonth(time),
            count(), groupBitOr(carried), min(time), max(time), sum(rating), sum(rating * rating)
        GROUP BY service, channel, type, rating_level, toStartOfMonth(time)
    );

-- First, as in 0009: a projection made of a part counts rows that are only marked as deleted.
ALTER TABLE events APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE events MATERIALIZE PROJECTION monthly_totals;

ALTER TABLE points
    ADD PROJECTION IF NOT EXISTS monthly_point_totals
    (
        SELECT
            rule, service, channel, version, toStartOfMonth(time),
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY rule, service, channel, version, toStartOfMonth(time)
    );

ALTER TABLE points APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE points MATERIALIZE PROJECTION monthly_point_totals;

-- The day, of which there is nearly nothing to read: what counts rows of full days need not read their times.
ALTER TABLE points
    ADD COLUMN IF NOT EXISTS day Date MATERIALIZED toDate(time),
    ADD INDEX IF NOT EXISTS day_index day TYPE minmax GRANULARITY 1;
ALTER TABLE points MATERIALIZE COLUMN day, MATERIALIZE INDEX day_index;

-- As 0012 does for journeys: a year that nothing was written to for ten minutes becomes one part. Every question looks at the sums
-- of every part, and each part repeats the names.
ALTER TABLE events MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE points MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

-- The channels of the first six visits of a journey as a number, four bits each from the lowest: 1 to 9 in the order of
-- shared/journey/vocabulary.py, 15 what is not among them; bit 24 says whether all of its visits came by one channel.
ALTER TABLE journeys ADD COLUMN IF NOT EXISTS first_visits UInt32 MATERIALIZED
    arraySum((c, nth) -> bitShiftLeft(
            transform(c,
                ['web', 'phone', 'counter', 'email', 'letter', 'chat', 'bot', 'social', 'partner'],
                [toUInt32(1), toUInt32(2), toUInt32(3), toUInt32(4), toUInt32(5), toUInt32(6), toUInt32(7), toUInt32(8),
                    toUInt32(9)],
                toUInt32(15)),
            4 * (nth - 1)),
        arraySlice(visit_channel, 1, 6), arrayEnumerate(arraySlice(visit_channel, 1, 6)))
    + bitShiftLeft(toUInt32(arrayUniq(visit_channel) = 1), 24);

ALTER TABLE journeys MATERIALIZE COLUMN first_visits;
