-- Sums by day with the territory, in its order: of one territory only its own rows are read. They answer for the days before and
-- after whole months, and for weeks. The hours of points go: they are nearly as many as points are, which lie in order of time.
ALTER TABLE points
    ADD PROJECTION IF NOT EXISTS daily_points_by_territory
    (
        SELECT
            territory, toDate(time), rule, service, channel, version,
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY territory, toDate(time), rule, service, channel, version
    ),
    DROP PROJECTION IF EXISTS hourly_points;

-- First, as in 0009: a projection made of a part counts rows that are only marked as deleted.
ALTER TABLE points APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE points MATERIALIZE PROJECTION daily_points_by_territory;

ALTER TABLE judged_contacts
    ADD PROJECTION IF NOT EXISTS daily_contacts_by_territory
    (
        SELECT
            territory, toDate(time), service, channel, failure,
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY territory, toDate(time), service, channel, failure
    );

ALTER TABLE judged_contacts APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE judged_contacts MATERIALIZE PROJECTION daily_contacts_by_territory;
