-- Refused events: why, where and when; the payload is sealed (base64), '' where nothing was kept. The loader also deletes
-- what is older than the site's retention, which may be shorter; the TTL is the bound.
CREATE TABLE IF NOT EXISTS rejects
(
    id String,
    time DateTime64(6, 'UTC'),
    stage LowCardinality(String),
    gateway LowCardinality(String),
    source String,
    type String,
    service String,
    reason LowCardinality(String),
    pointer String,
    size_bytes UInt64,
    sha256 String,
    position Int64,
    payload String CODEC(ZSTD),
    INDEX id_index id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (time, id)
TTL toDateTime(time, 'UTC') + INTERVAL 14 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS staging_rejects
(
    id String,
    time DateTime64(6, 'UTC'),
    stage String,
    gateway String,
    source String,
    type String,
    service String,
    reason String,
    pointer String,
    size_bytes UInt64,
    sha256 String,
    position Int64,
    payload String,
    CONSTRAINT time_in_range CHECK time >= '1970-01-01' AND time < '2070-01-01'
)
ENGINE = Memory;
