-- The nodes of a journey as numbers, one an event: what maps and funnels read in place of three arrays of texts.
--
-- 36 bits of the hash of the label (the step, or the type where there is none), 27 bits of that of the channel, and as the
-- lowest bit whether the label is a step: services/insights/figures/journey_nodes.py. Follows its row.
ALTER TABLE journeys ADD COLUMN IF NOT EXISTS nodes Array(UInt64) MATERIALIZED arrayMap(
    (s, t, c) -> bitOr(
        bitAnd(cityHash64(if(s = '', t, s)), 18446744073441116160), bitOr(bitAnd(cityHash64(c), 268435454), s != '')),
    step, type, channel);

ALTER TABLE journeys MATERIALIZE COLUMN nodes;
