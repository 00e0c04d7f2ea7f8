-- Events, one row per (source, id). '' is absent.
--
-- Aggregates are projections: written with their part and rebuilt with it when rows are deleted, so that they cannot
-- drift from the rows (a materialised view would not see deletions). Ordered by time, because inserts by identity look
-- for repeats in the batch's own time range only; one subject's rows are found through the bloom filter.
-- fsync: positions are written after the rows; without it a power cut could keep a position and lose its rows.
CREATE TABLE IF NOT EXISTS events
(
    source LowCardinality(String),
    id String,
    type LowCardinality(String),
    time DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    recordedtime DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    subject String,
    service LowCardinality(String),
    matter LowCardinality(String),
    channel LowCardinality(String),
    step LowCardinality(String),
    contact String,
    case String,
    session String,
    office LowCardinality(String),
    team LowCardinality(String),
    territory LowCardinality(String),
    wait_s Nullable(Float64),
    duration_s Nullable(Float64),
    due Nullable(DateTime64(6, 'UTC')),
    reason LowCardinality(String),
    invited Bool,
    document LowCardinality(String),
    outcome LowCardinality(String),
    rating Nullable(Float64),
    comment String CODEC(ZSTD),
    lang LowCardinality(String),
    attributes Map(LowCardinality(String), String),
    INDEX subject_index subject TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION hourly_events
    (
        SELECT toStartOfHour(time), service, channel, territory, type, count()
        GROUP BY toStartOfHour(time), service, channel, territory, type
    )
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (time, source, id)
SETTINGS lightweight_mutation_projection_mode = 'rebuild', fsync_after_insert = 1, fsync_part_directory = 1;

-- One batch as it came: the JSON of the log, `data` nested. The range keeps a batch within a hundred yearly partitions
-- (more are refused in one insert); a time outside it is refused here, and its event alone is rejected.
CREATE TABLE IF NOT EXISTS staging_events
(
    source String,
    id String,
    type String,
    time DateTime64(6, 'UTC'),
    recordedtime DateTime64(6, 'UTC'),
    subject String,
    data Tuple(
        service String, matter String, channel String, step String, contact String, case String, session String,
        office String, team String, territory String, wait_s Nullable(Float64), duration_s Nullable(Float64),
        due Nullable(DateTime64(6, 'UTC')), reason String, invited Bool, document String, outcome String,
        rating Nullable(Float64), comment String, lang String, attributes Map(String, String)),
    CONSTRAINT time_in_range CHECK time >= '1970-01-01' AND time < '2070-01-01'
)
ENGINE = Memory;

-- Copies of events that came too late to be detected: a row of `events` is late if its (source, id, recordedtime) is here.
CREATE TABLE IF NOT EXISTS late_events
(
    source LowCardinality(String),
    id String,
    recordedtime DateTime64(6, 'UTC'),
    subject String,
    service LowCardinality(String),
    time DateTime64(6, 'UTC'),
    behind_s Float64,
    partition UInt32,
    offset UInt64
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (time, source, id, recordedtime)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS staging_late_events
(
    source String,
    id String,
    recordedtime DateTime64(6, 'UTC'),
    subject String,
    service String,
    time DateTime64(6, 'UTC'),
    behind_s Float64,
    partition UInt32,
    offset UInt64,
    CONSTRAINT time_in_range CHECK time >= '1970-01-01' AND time < '2070-01-01'
)
ENGINE = Memory;
