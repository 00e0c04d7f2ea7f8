-- What was begun and completed in a journey, as numbers: figures of whole journeys then read some ten to forty bytes of each.
-- Each follows from its own row, as those of 0010. What is hardly smaller when compressed is stored as it is: reading it costs
-- a fifth.

-- `day`: of its start. `channel_bits`: the channels its events came by, a bit each in the order of shared/journey/vocabulary.py.
-- `progress`: bit 0, an online form began; bit 1, one was sent; from bit 2 on how many cases it names, from bit 17 on how many
-- of these were decided or closed (a journey has at most 5,000 events).
-- `case_begun`, `case_ended`: when the first of its cases was first named, and when the first that ended was; the year 2200 where
-- none was. `more_cases`: the same of the second, the third …, of the few journeys that have more; of two lists side by side.
-- `lasted_us`: from the first to the last event. `way_key`: the nodes it passes (labels and channels) as one number, by which
-- journeys that went one way are counted.
--
-- `nodes` and `at`, which maps and funnels read of every event: the numbers of the nodes as they are, and the instants packed
-- as differences only. That takes 9 bytes an event more, and a quarter and half of the time.
ALTER TABLE journeys
    ADD COLUMN IF NOT EXISTS day Date MATERIALIZED toDate(started),
    ADD COLUMN IF NOT EXISTS channel_bits UInt16 MATERIALIZED arraySum(
        c -> transform(c,
            ['web', 'phone', 'counter', 'email', 'letter', 'chat', 'bot', 'social', 'partner'],
            [toUInt16(1), toUInt16(2), toUInt16(4), toUInt16(8), toUInt16(16), toUInt16(32), toUInt16(64), toUInt16(128),
                toUInt16(256)],
            toUInt16(0)),
        distinct_channels),
    ADD COLUMN IF NOT EXISTS progress UInt32 MATERIALIZED
        has(type, 'form.started') + 2 * has(type, 'form.submitted') + 4 * length(cases_begun) + 131072 * length(cases_ended)
        CODEC(NONE),
    ADD COLUMN IF NOT EXISTS case_begun DateTime64(6, 'UTC') MATERIALIZED
        if(empty(cases_begun), toDateTime64('2200-01-01 00:00:00', 6, 'UTC'), cases_begun[1]) CODEC(NONE),
    ADD COLUMN IF NOT EXISTS case_ended DateTime64(6, 'UTC') MATERIALIZED
        if(empty(cases_ended), toDateTime64('2200-01-01 00:00:00', 6, 'UTC'), cases_ended[1]) CODEC(NONE),
    ADD COLUMN IF NOT EXISTS more_cases Array(Tuple(begun DateTime64(6, 'UTC'), ended DateTime64(6, 'UTC'))) MATERIALIZED
        arrayMap(
            nth -> (
                cases_begun[nth],
                if(nth > length(cases_ended), toDateTime64('2200-01-01 00:00:00', 6, 'UTC'), cases_ended[nth])),
            range(2, length(cases_begun) + 1)),
    ADD COLUMN IF NOT EXISTS lasted_us Int64 MATERIALIZED dateDiff('microsecond', started, ended) CODEC(NONE),
    ADD COLUMN IF NOT EXISTS way_key UInt64 MATERIALIZED cityHash64(arrayMap(n -> bitAnd(n, 18446744073709551614), nodes))
        CODEC(NONE),
    MODIFY COLUMN form_started CODEC(NONE),
    MODIFY COLUMN form_submitted CODEC(NONE),
    MODIFY COLUMN nodes CODEC(NONE),
    MODIFY COLUMN at CODEC(T64);

ALTER TABLE journeys
    MATERIALIZE COLUMN day, MATERIALIZE COLUMN channel_bits, MATERIALIZE COLUMN progress, MATERIALIZE COLUMN case_begun,
    MATERIALIZE COLUMN case_ended, MATERIALIZE COLUMN more_cases, MATERIALIZE COLUMN form_started,
    MATERIALIZE COLUMN form_submitted, MATERIALIZE COLUMN nodes, MATERIALIZE COLUMN lasted_us, MATERIALIZE COLUMN way_key;

-- What is there is written again as it is.
ALTER TABLE journeys UPDATE at = at WHERE 1 SETTINGS mutations_sync = 2;
