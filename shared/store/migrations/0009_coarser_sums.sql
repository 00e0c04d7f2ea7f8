-- Sums that grow with the calendar and with the number of names, not with the number of events: what pages add up.
--
-- By day without the territory; by calendar month with it, or with step and office; and the names alone. The hours of 0001
-- and 0002 stay for periods that begin within a day. Projections, as there: they follow their rows. `carried`: which fields
-- an event carries, one bit a field (services/insights/queries.py, `FIELD_BITS`); `rating_level`: a rating on the five
-- levels that are counted, 0 is none.
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS carried UInt16 MATERIALIZED
        notEmpty(matter) + 2 * notEmpty(channel) + 4 * notEmpty(step) + 8 * notEmpty(contact) + 16 * notEmpty(case)
        + 32 * notEmpty(office) + 64 * notEmpty(team) + 128 * notEmpty(territory) + 256 * notEmpty(reason)
        + 512 * notEmpty(document) + 1024 * notEmpty(outcome) + 2048 * isNotNull(wait_s) + 4096 * isNotNull(duration_s)
        + 8192 * isNotNull(due) + 16384 * isNotNull(rating),
    ADD COLUMN IF NOT EXISTS rating_level UInt8 MATERIALIZED
        if(type = 'feedback.given' AND isNotNull(rating),
            toUInt8(least(greatest(round(assumeNotNull(rating)), 1), 5)), 0),
    ADD PROJECTION IF NOT EXISTS names_of_events
    (
        SELECT service, channel, territory, min(time), max(time), count()
        GROUP BY service, channel, territory
    ),
    ADD PROJECTION IF NOT EXISTS daily_events
    (
        SELECT
            service, channel, type, rating_level, toDate(time),
            count(), groupBitOr(carried), min(time), max(time), sum(rating), sum(rating * rating)
        GROUP BY service, channel, type, rating_level, toDate(time)
    ),
    ADD PROJECTION IF NOT EXISTS monthly_events
    (
        SELECT
            territory, service, channel, type, rating_level, toStartOfMonth(time),
            count(), groupBitOr(carried), min(time), max(time), sum(rating), sum(rating * rating)
        GROUP BY territory, service, channel, type, rating_level, toStartOfMonth(time)
    ),
    ADD PROJECTION IF NOT EXISTS monthly_steps
    (
        SELECT service, channel, type, step, office, toStartOfMonth(time), count()
        GROUP BY service, channel, type, step, office, toStartOfMonth(time)
    );

-- First: a projection made of a part counts its deleted rows, too, while these are only marked as deleted.
ALTER TABLE events APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE events MATERIALIZE COLUMN carried, MATERIALIZE COLUMN rating_level;
ALTER TABLE events
    MATERIALIZE PROJECTION names_of_events, MATERIALIZE PROJECTION daily_events, MATERIALIZE PROJECTION monthly_events,
    MATERIALIZE PROJECTION monthly_steps;

-- The journey as a number, read and grouped faster than its text; and what points say, of the figures that have a median.
ALTER TABLE points
    ADD COLUMN IF NOT EXISTS journey_key UInt64 MATERIALIZED cityHash64(journey) CODEC(NONE),
    ADD COLUMN IF NOT EXISTS earlier_channel LowCardinality(String) MATERIALIZED figures['earlier_channel'],
    ADD COLUMN IF NOT EXISTS said_gap_s Nullable(Float64) MATERIALIZED
        if(figures['gap_s'] = '', NULL, toFloat64OrZero(figures['gap_s'])),
    ADD COLUMN IF NOT EXISTS said_wait_s Nullable(Float64) MATERIALIZED
        if(figures['wait_s'] = '', NULL, toFloat64OrZero(figures['wait_s'])),
    ADD COLUMN IF NOT EXISTS said_span_s Nullable(Float64) MATERIALIZED
        if(figures['span_s'] = '', NULL, toFloat64OrZero(figures['span_s'])),
    ADD COLUMN IF NOT EXISTS said_errors Nullable(Float64) MATERIALIZED
        if(figures['errors'] = '', NULL, toFloat64OrZero(figures['errors'])),
    ADD COLUMN IF NOT EXISTS said_transfers Nullable(Float64) MATERIALIZED
        if(figures['transfers'] = '', NULL, toFloat64OrZero(figures['transfers'])),
    ADD COLUMN IF NOT EXISTS said_form_events Nullable(Float64) MATERIALIZED
        if(figures['form_events'] = '', NULL, toFloat64OrZero(figures['form_events'])),
    ADD COLUMN IF NOT EXISTS said_rating Nullable(Float64) MATERIALIZED
        if(figures['rating'] = '', NULL, toFloat64OrZero(figures['rating'])),
    ADD PROJECTION IF NOT EXISTS daily_points
    (
        SELECT
            rule, service, channel, version, toDate(time),
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY rule, service, channel, version, toDate(time)
    ),
    ADD PROJECTION IF NOT EXISTS monthly_points
    (
        SELECT
            territory, rule, service, channel, version, toStartOfMonth(time),
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY territory, rule, service, channel, version, toStartOfMonth(time)
    ),
    ADD PROJECTION IF NOT EXISTS monthly_points_by_step
    (
        SELECT rule, service, channel, step, office, toStartOfMonth(time), sum(sign)
        GROUP BY rule, service, channel, step, office, toStartOfMonth(time)
    );

ALTER TABLE points APPLY DELETED MASK SETTINGS mutations_sync = 2;
ALTER TABLE points
    MATERIALIZE COLUMN journey_key, MATERIALIZE COLUMN earlier_channel,
    MATERIALIZE COLUMN said_gap_s, MATERIALIZE COLUMN said_wait_s, MATERIALIZE COLUMN said_span_s,
    MATERIALIZE COLUMN said_errors, MATERIALIZE COLUMN said_transfers, MATERIALIZE COLUMN said_form_events,
    MATERIALIZE COLUMN said_rating;
ALTER TABLE points
    MATERIALIZE PROJECTION daily_points, MATERIALIZE PROJECTION monthly_points,
    MATERIALIZE PROJECTION monthly_points_by_step;
