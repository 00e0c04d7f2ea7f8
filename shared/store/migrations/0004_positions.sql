-- How far each stream has been loaded, written after the rows; stream 'detected' is the detector's own progress through
-- `journey-events`. The latest row (`at`) of a (stream, partition) holds.
CREATE TABLE IF NOT EXISTS positions
(
    stream LowCardinality(String),
    log_id String,
    partition UInt32,
    next_offset UInt64,
    at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (stream, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
