-- Numbers in place of texts and arrays, for figures that count journeys and contacts: what they read is a few bytes a row.
--
-- Each follows from its own row (`MATERIALIZED`), so that it cannot drift from it, and is known of rows that were here before.
-- A person with regard to a service, and a journey, are numbers of 64 bits: of 100 million that are compared, two are the
-- same with a chance of 1 in 3,700 (n² / 2 / 2^64).

-- Of an uninvited contact that belongs to a journey: the person's number (0 of all other events), and 32 bits of its
-- identity, to be compared among the same person's events of one instant only. shared/journey/vocabulary.py, CONTACT_TYPES.
ALTER TABLE events ADD COLUMN IF NOT EXISTS contact_key UInt64 MATERIALIZED
    if(type IN ('call.queued', 'call.rejected', 'contact.made', 'message.received', 'ticket.taken')
        AND NOT invited AND notEmpty(subject), cityHash64(subject, service), 0);
ALTER TABLE events ADD COLUMN IF NOT EXISTS contact_identity UInt32 MATERIALIZED
    if(contact_key = 0, 0, cityHash64(source, id));

-- Of an event that ends a form with an outcome, such as "not eligible": the person's number. FORM_TYPES.
ALTER TABLE events ADD COLUMN IF NOT EXISTS outcome_key UInt64 MATERIALIZED
    if(type IN ('form.error', 'form.saved', 'form.started', 'form.step', 'form.submitted')
        AND outcome NOT IN ('', 'failed') AND notEmpty(subject), cityHash64(subject, service), 0);

ALTER TABLE events MATERIALIZE COLUMN contact_key, MATERIALIZE COLUMN contact_identity, MATERIALIZE COLUMN outcome_key;

ALTER TABLE points ADD COLUMN IF NOT EXISTS person_key UInt64 MATERIALIZED cityHash64(subject, service) CODEC(NONE);
ALTER TABLE points ADD COLUMN IF NOT EXISTS anchor_identity UInt32 MATERIALIZED cityHash64(source, anchor) CODEC(NONE);

ALTER TABLE points MATERIALIZE COLUMN person_key, MATERIALIZE COLUMN anchor_identity;

-- `distinct_channels`: those that its events came by. `form_started`, `form_submitted`: the first such event, the year 2200 where
-- there is none. `cases_begun`, `cases_ended`: when each of its cases was first named, and when each that ended was first
-- decided or closed. `matter`: the first that an event names; written by the assembler.
ALTER TABLE journeys
    ADD COLUMN IF NOT EXISTS matter LowCardinality(String) AFTER territory,
    ADD COLUMN IF NOT EXISTS journey_key UInt64 MATERIALIZED cityHash64(journey) CODEC(NONE),
    ADD COLUMN IF NOT EXISTS person_key UInt64 MATERIALIZED cityHash64(subject, service) CODEC(NONE),
    ADD COLUMN IF NOT EXISTS contacts UInt32 MATERIALIZED arrayCount(
        kind -> kind IN ('call.queued', 'call.rejected', 'contact.made', 'message.received', 'ticket.taken'), type),
    ADD COLUMN IF NOT EXISTS distinct_channels Array(LowCardinality(String)) MATERIALIZED
        arrayDistinct(arrayFilter(each -> each != '', channel)),
    ADD COLUMN IF NOT EXISTS form_started DateTime64(6, 'UTC') MATERIALIZED
        if(has(type, 'form.started'), at[indexOf(type, 'form.started')], toDateTime64('2200-01-01 00:00:00', 6, 'UTC')),
    ADD COLUMN IF NOT EXISTS form_submitted DateTime64(6, 'UTC') MATERIALIZED
        if(has(type, 'form.submitted'), at[indexOf(type, 'form.submitted')], toDateTime64('2200-01-01 00:00:00', 6, 'UTC')),
    ADD COLUMN IF NOT EXISTS cases_begun Array(DateTime64(6, 'UTC')) MATERIALIZED
        arrayFilter((moment, each, nth) -> each != '' AND nth = 1, at, case, arrayEnumerateUniq(case)),
    ADD COLUMN IF NOT EXISTS cases_ended Array(DateTime64(6, 'UTC')) MATERIALIZED
        arrayFilter(
            (moment, nth) -> nth = 1,
            arrayFilter((moment, each, kind) -> each != '' AND kind IN ('case.decided', 'case.closed'), at, case, type),
            arrayEnumerateUniq(
                arrayFilter((each, kind) -> each != '' AND kind IN ('case.decided', 'case.closed'), case, type)));

ALTER TABLE journeys
    MATERIALIZE COLUMN journey_key, MATERIALIZE COLUMN person_key, MATERIALIZE COLUMN contacts,
    MATERIALIZE COLUMN distinct_channels, MATERIALIZE COLUMN form_started, MATERIALIZE COLUMN form_submitted,
    MATERIALIZE COLUMN cases_begun, MATERIALIZE COLUMN cases_ended;

-- A table of engine Memory cannot be altered; it holds nothing that is needed between two runs of the assembler.
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
    matter LowCardinality(String)
)
ENGINE = Memory;

-- All journeys are assembled again, since none has its matter yet: as if they had been cut with other settings. Where none was
-- noted, nothing is written.
INSERT INTO assembled_journeys
SELECT name, '', greatest(now64(6), max(at) + toIntervalMicrosecond(1)) FROM assembled_journeys WHERE name = 'past' GROUP BY name;
