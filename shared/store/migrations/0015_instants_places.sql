-- What journeys and the map read most, in forms that cost less to read.

-- The instants of a journey's events: the bits that differ, packed as tightly as differences of whole numbers are, and read in
-- half of the time. What is there is written again as it is.
ALTER TABLE journeys MODIFY COLUMN at Array(DateTime64(6, 'UTC')) CODEC(T64, LZ4);

ALTER TABLE journeys UPDATE at = at WHERE 1 SETTINGS mutations_sync = 2;

-- What says to which event of its journey a point belongs, as numbers (services/insights/figures/map_queries.py). `waited_us`: how
-- long after its event a point is that waits for what does not come. `rule_classes`: at the events of which rules a point of
-- each rule can stand, a bit for rules that share their types (the lowest: any type). `case_numbers`: 32 bits of each event's
-- case, 0 where there is none; of the few cases of one journey two are the same with a chance of 1 in 4 * 10^9.
ALTER TABLE points ADD COLUMN IF NOT EXISTS waited_us Int64 MATERIALIZED
    if(rule IN ('form_abandoned', 'unanswered_message'),
        toInt64(1e6 * (parameters['window_s'] + parameters['saved_window_s'] + parameters['callback_window_s'])), 0);

ALTER TABLE points MATERIALIZE COLUMN waited_us;

ALTER TABLE journeys
    ADD COLUMN IF NOT EXISTS rule_classes Array(UInt16) MATERIALIZED arrayMap(
        t -> transform(t,
            ['call.abandoned', 'call.answered', 'call.queued', 'call.rejected', 'call.transferred', 'callback.requested',
                'case.progressed', 'case.reopened', 'click.repeated', 'contact.made', 'feedback.given', 'form.error', 'form.saved',
                'form.started', 'form.step', 'information.requested', 'message.received', 'ticket.called', 'ticket.noshow',
                'ticket.taken', 'ticket.transferred'],
            [toUInt16(65), toUInt16(33), toUInt16(3), toUInt16(131), toUInt16(513), toUInt16(257),
                toUInt16(2049), toUInt16(4097), toUInt16(17), toUInt16(3), toUInt16(8193), toUInt16(13), toUInt16(5),
                toUInt16(5), toUInt16(5), toUInt16(1025), toUInt16(259), toUInt16(33), toUInt16(65),
                toUInt16(3), toUInt16(513)],
            toUInt16(1)),
        type),
    ADD COLUMN IF NOT EXISTS case_numbers Array(UInt32) MATERIALIZED
        arrayMap(c -> if(c = '', toUInt32(0), toUInt32(cityHash64(c))), case);

ALTER TABLE journeys MATERIALIZE COLUMN rule_classes, MATERIALIZE COLUMN case_numbers;
