-- Failure demand as a stored fact: for each uninvited contact that belongs to a journey, whether it is failure demand, and the
-- minutes that it cost where a point of its own knows them. What pages add up is added up here once.
--
-- Signed: when a verdict changes, a row repeats the former one with -1 and another says the new one with 1, so that every sum
-- counts a contact once. Written by the assembler (services/loader/judging.py), as the difference to what stands here.
-- Ordered by the person's number, by which its rows are found, and of which the lowest are a sample of all.
CREATE TABLE IF NOT EXISTS judged_contacts
(
    person_key UInt64 MATERIALIZED cityHash64(subject, service) CODEC(ZSTD),
    service LowCardinality(String),
    subject String,
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    id String,
    channel LowCardinality(String),
    territory LowCardinality(String),
    failure UInt8,
    minutes_citizen Nullable(Float64),
    minutes_administration Nullable(Float64),
    sign Int8,
    PROJECTION daily_contacts
    (
        SELECT
            service, channel, failure, toDate(time),
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY service, channel, failure, toDate(time)
    ),
    PROJECTION monthly_contacts
    (
        SELECT
            territory, service, channel, failure, toStartOfMonth(time),
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration),
            sumIf(sign, isNotNull(minutes_citizen)), sumIf(sign, isNotNull(minutes_administration))
        GROUP BY territory, service, channel, failure, toStartOfMonth(time)
    )
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (person_key, time, source, id)
SETTINGS lightweight_mutation_projection_mode = 'rebuild', fsync_after_insert = 1, fsync_part_directory = 1;

-- A key whose points alone were loaded: its contacts are judged again, its journeys stay.
ALTER TABLE touched_journeys ADD COLUMN IF NOT EXISTS points_only UInt8;

-- The events of the keys at hand, now with the number that uninvited contacts have; and their points. Tables of engine Memory
-- hold nothing that is needed between two runs of the assembler.
CREATE OR REPLACE TABLE staging_journey_events
(
    subject String,
    service LowCardinality(String),
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    id String,
    type LowCardinality(String),
    channel LowCardinality(String),
    step LowCardinality(String),
    case String,
    contact String,
    territory LowCardinality(String),
    matter LowCardinality(String),
    contact_key UInt64
)
ENGINE = Memory;

CREATE TABLE IF NOT EXISTS staging_journey_points
(
    subject String,
    service LowCardinality(String),
    time DateTime64(6, 'UTC'),
    source LowCardinality(String),
    anchor String,
    rule LowCardinality(String),
    sign Int8,
    minutes_citizen Nullable(Float64),
    minutes_administration Nullable(Float64)
)
ENGINE = Memory;
