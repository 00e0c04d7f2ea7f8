-- Where each point in force stands in its journey, as a stored fact: what the map, what follows a point and the journeys that
-- points touch read, in place of points joined with the events of journeys.
--
-- Signed: when a place changes, a row repeats the former one with -1 and another says the new one with 1, so that every sum
-- counts a point once. Written by the assembler (services/loader/placing.py), as the difference to what stands here.
-- Since every next event changes the place of a point before it, merges drop pairs of rows that cancel out.
-- Ordered by the service and the person's number, by which its rows are found, few at a time: hence the small granules.
CREATE TABLE IF NOT EXISTS placed_points
(
    -- The point, as in `points`; `point_key` and `journey_key` are the numbers of its id and its journey.
    service LowCardinality(String),
    subject String,
    person_key UInt64 MATERIALIZED cityHash64(subject, service) CODEC(ZSTD),
    time DateTime64(6, 'UTC') CODEC(T64, LZ4),
    day Date MATERIALIZED toDate(time) CODEC(T64, LZ4),
    point_key UInt64 CODEC(NONE),
    journey_key UInt64 CODEC(NONE),
    rule LowCardinality(String),
    source LowCardinality(String),
    channel LowCardinality(String),
    territory LowCardinality(String),
    -- The first day such that of all points in force from there on this one is its journey's first, of its rule and of any: the
    -- day after the point before it (by time, then number), 1970-01-01 where there is none.
    first_of_rule_from Date CODEC(T64, LZ4),
    first_of_any_from Date CODEC(T64, LZ4),
    -- The months of these days, and the first months that begin on such a day or later: sums of whole months.
    month Date MATERIALIZED toStartOfMonth(time) CODEC(T64, LZ4),
    first_of_rule_month Date MATERIALIZED if(
        toDayOfMonth(first_of_rule_from) = 1, first_of_rule_from, addMonths(toStartOfMonth(first_of_rule_from), 1)) CODEC(T64, LZ4),
    first_of_any_month Date MATERIALIZED if(
        toDayOfMonth(first_of_any_from) = 1, first_of_any_from, addMonths(toStartOfMonth(first_of_any_from), 1)) CODEC(T64, LZ4),
    -- Its journey: whether it stands in `journeys` (else nothing below is known), when it began, and what filters ask of it.
    in_journey UInt8,
    started DateTime64(6, 'UTC') CODEC(T64, LZ4),
    started_day Date MATERIALIZED toDate(started) CODEC(T64, LZ4),
    journey_territory LowCardinality(String),
    journey_channels Array(LowCardinality(String)),
    -- The node (0011) of the event that it belongs to, and of the event before it; 0 for none. `on_maps`: bit 0 for maps of what
    -- citizens do, bit 1 for maps of steps, where that event is on such a map; the events before it there.
    target UInt64 CODEC(ZSTD),
    origin UInt64 CODEC(ZSTD),
    on_maps UInt8,
    origin_citizen UInt64 CODEC(ZSTD),
    origin_steps UInt64 CODEC(ZSTD),
    -- The first event of the journey after the point's time, and how long after; '' and 0 where none follows.
    next_type LowCardinality(String),
    next_channel LowCardinality(String),
    next_us Int64 CODEC(T64, LZ4),
    sign Int8,
    PROJECTION monthly_touched
    (
        SELECT rule, service, month, first_of_rule_month, first_of_any_month, sum(sign)
        GROUP BY rule, service, month, first_of_rule_month, first_of_any_month
    )
)
ENGINE = CollapsingMergeTree(sign)
PARTITION BY toYear(time)
ORDER BY (service, person_key, time, point_key)
SETTINGS index_granularity = 1024, deduplicate_merge_projection_mode = 'rebuild',
    lightweight_mutation_projection_mode = 'rebuild', fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

-- The points of the keys at hand, of all rules, with what says to which event each belongs. Holds nothing that is needed between
-- two runs of the assembler.
CREATE OR REPLACE TABLE staging_journey_points
(
    subject String,
    service LowCardinality(String),
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    anchor String,
    rule LowCardinality(String),
    sign Int8,
    minutes_citizen Nullable(Float64),
    minutes_administration Nullable(Float64),
    point_key UInt64,
    journey_key UInt64,
    channel LowCardinality(String),
    territory LowCardinality(String),
    waited_us Int64,
    node UInt64,
    case_number UInt32
)
ENGINE = Memory;

-- Keys that have points are noted once more, as if contacts had been judged with other settings; until they are, nothing says that
-- points are placed. Where none was noted, nothing is written.
INSERT INTO assembled_journeys
SELECT name, 'unplaced', greatest(now64(6), max(at) + toIntervalMicrosecond(1)) FROM assembled_journeys WHERE name = 'judged' GROUP BY name;
