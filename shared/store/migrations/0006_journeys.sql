-- Journeys as designers look at them: one row per journey (definitions, "A journey"), its events in order as arrays. What
-- maps, flows, funnels and comparisons count is counted here, without grouping events by person for every question.
--
-- A row is written again whenever events of its (subject, service) have been loaded: of rows with one key the highest
-- version holds (`FINAL`), and `removed` takes a key away (its journey begins elsewhere in time now, or was joined to
-- another). '' is absent. All arrays but `visit_*` have one item an event.
CREATE TABLE IF NOT EXISTS journeys
(
    service LowCardinality(String),
    started DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    subject String,
    cut UInt32,
    journey String,
    ended DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    territory LowCardinality(String),
    entry_channel LowCardinality(String),
    at Array(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
    type Array(LowCardinality(String)),
    channel Array(LowCardinality(String)),
    step Array(LowCardinality(String)),
    case Array(String),
    -- Visits: successive events with a channel, on the same one, of the same contact where both name one, each at most 30
    -- minutes after the one before. `visit_from` is the place of a visit's first event in `at`, from 1.
    visit_channel Array(LowCardinality(String)),
    visit_from Array(UInt16),
    version UInt64,
    removed UInt8,
    INDEX subject_index subject TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX journey_index journey TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, removed)
PARTITION BY toYear(started)
ORDER BY (service, toDate(started), subject, cut)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What has been loaded and is not yet in `journeys`: the keys of a batch, under the batch's number (which only grows).
-- Written after the batch's events and before its position, so that a crash leaves a key too many, never one too few.
CREATE TABLE IF NOT EXISTS touched_journeys
(
    batch UInt64,
    subject String,
    service LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY batch
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
