-- The shard of an event's subject: where its journeys lie when the log gets more partitions, or is made anew elsewhere.
-- 0 without a subject.
ALTER TABLE events ADD COLUMN IF NOT EXISTS shard UInt16 AFTER subject;

-- A table of engine Memory cannot be altered; between two batches it holds nothing that is needed.
CREATE OR REPLACE TABLE staging_events
(
    source String,
    id String,
    type String,
    time DateTime64(6, 'UTC'),
    recordedtime DateTime64(6, 'UTC'),
    subject String,
    shard UInt16,
    data Tuple(
        service String, matter String, channel String, step String, contact String, case String, session String,
        office String, team String, territory String, wait_s Nullable(Float64), duration_s Nullable(Float64),
        due Nullable(DateTime64(6, 'UTC')), reason String, invited Bool, document String, outcome String,
        rating Nullable(Float64), comment String, lang String, attributes Map(String, String)),
    CONSTRAINT time_in_range CHECK time >= '1970-01-01' AND time < '2070-01-01'
)
ENGINE = Memory;
