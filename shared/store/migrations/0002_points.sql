-- Friction points, one row per (id, revision, sign). A point is in force while its signs add up to 1; a retraction
-- repeats what it takes back, so that sums over any column cancel out. '' is absent.
CREATE TABLE IF NOT EXISTS points
(
    id String,
    revision UInt64,
    sign Int8,
    rule LowCardinality(String),
    version UInt32,
    parameters Map(LowCardinality(String), Float64),
    figures Map(LowCardinality(String), String),
    source LowCardinality(String),
    anchor String,
    subject String,
    service LowCardinality(String),
    journey String,
    channel LowCardinality(String),
    step LowCardinality(String),
    office LowCardinality(String),
    territory LowCardinality(String),
    case String,
    time DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    evidence Array(String),
    evidence_sources Array(LowCardinality(String)),
    minutes_citizen Nullable(Float64),
    minutes_administration Nullable(Float64),
    partition UInt32,
    offset UInt64,
    INDEX subject_index subject TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX journey_index journey TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX id_index id TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION hourly_points
    (
        SELECT
            toStartOfHour(time), rule, service, channel, territory,
            sum(sign), sum(sign * minutes_citizen), sum(sign * minutes_administration)
        GROUP BY toStartOfHour(time), rule, service, channel, territory
    )
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (time, id, revision, sign)
SETTINGS lightweight_mutation_projection_mode = 'rebuild', fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS staging_points
(
    id String,
    revision UInt64,
    sign Int8,
    rule String,
    version UInt32,
    parameters Map(String, Float64),
    figures Map(String, String),
    source String,
    anchor String,
    subject String,
    service String,
    journey String,
    channel String,
    step String,
    office String,
    territory String,
    case String,
    time DateTime64(6, 'UTC'),
    evidence Array(String),
    evidence_sources Array(String),
    minutes_citizen Nullable(Float64),
    minutes_administration Nullable(Float64),
    partition UInt32,
    offset UInt64,
    CONSTRAINT time_in_range CHECK time >= '1970-01-01' AND time < '2070-01-01'
)
ENGINE = Memory;

-- Points in force: per id whose signs add up to 1, the content of the latest revision with sign 1. The columns a page
-- filters by are grouped by too, so that filters reach the rows before they are grouped; that changes nothing, since a
-- retraction repeats them.
CREATE OR REPLACE VIEW points_in_force AS
SELECT
    id,
    maxIf(p.revision, p.sign = 1) AS revision,
    rule,
    argMaxIf(p.version, p.revision, p.sign = 1) AS version,
    argMaxIf(p.parameters, p.revision, p.sign = 1) AS parameters,
    argMaxIf(p.figures, p.revision, p.sign = 1) AS figures,
    source,
    argMaxIf(p.anchor, p.revision, p.sign = 1) AS anchor,
    subject,
    service,
    journey,
    channel,
    argMaxIf(p.step, p.revision, p.sign = 1) AS step,
    argMaxIf(p.office, p.revision, p.sign = 1) AS office,
    territory,
    argMaxIf(p.case, p.revision, p.sign = 1) AS case,
    time,
    argMaxIf(p.evidence, p.revision, p.sign = 1) AS evidence,
    argMaxIf(p.evidence_sources, p.revision, p.sign = 1) AS evidence_sources,
    argMaxIf(tuple(p.minutes_citizen), p.revision, p.sign = 1).1 AS minutes_citizen,
    argMaxIf(tuple(p.minutes_administration), p.revision, p.sign = 1).1 AS minutes_administration,
    argMaxIf(p.partition, p.revision, p.sign = 1) AS partition,
    argMaxIf(p.offset, p.revision, p.sign = 1) AS offset
FROM points AS p
GROUP BY time, id, rule, source, subject, service, journey, channel, territory
HAVING sum(p.sign) > 0;
