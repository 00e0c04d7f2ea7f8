-- What the assembler needs to fill `journeys` from `events` (docs/architecture.md, "Loading").

-- The events of the keys at hand, one row an event.
CREATE TABLE IF NOT EXISTS staging_journey_events
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
    territory LowCardinality(String)
)
ENGINE = Memory;

-- Their journeys: which of a key's events in order they hold (`place` from 1).
CREATE TABLE IF NOT EXISTS staging_journey_cuts
(
    subject String,
    service LowCardinality(String),
    cut UInt32,
    journey String,
    started_us Int64,
    place UInt64,
    size UInt64
)
ENGINE = Memory;

-- One row once every event that was here before the assembler has been noted in `touched_journeys`; `cuts` says which
-- settings cut the journeys: with others, all are assembled again. The latest row (`at`) holds.
CREATE TABLE IF NOT EXISTS assembled_journeys
(
    name LowCardinality(String),
    cuts String,
    at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
