-- What reporting tools (Grafana, Metabase, Superset) may read: daily and weekly counts, stable in name and columns.
--
-- Counts below 10 are NULL, and `withheld` is then 1: a tool that reads tables must not go round what pages withhold. Each measure
-- stands in one view at one granularity, so that no total of another view gives a withheld count away. The views read with the
-- rights of the user who made them: a reporting user needs no right on any table.
CREATE OR REPLACE VIEW v_contacts_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT day, service, channel, territory, if(found < 10, NULL, found) AS events, found < 10 AS withheld
FROM
(
    SELECT toDate(toStartOfHour(time)) AS day, service, channel, territory, count() AS found
    FROM events
    WHERE type IN (
        'form.started', 'form.step', 'form.error', 'form.saved', 'form.submitted', 'call.queued', 'call.rejected',
        'ticket.taken', 'message.received', 'contact.made', 'complaint.filed')
    GROUP BY day, service, channel, territory
);

CREATE OR REPLACE VIEW v_points_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    day, rule, service, channel, territory,
    if(found < 10, NULL, found) AS points,
    if(found < 10, NULL, citizen) AS minutes_citizen,
    if(found < 10, NULL, administration) AS minutes_administration,
    found < 10 AS withheld
FROM
(
    SELECT
        toDate(toStartOfHour(time)) AS day, rule, service, channel, territory, sum(sign) AS found,
        sum(sign * minutes_citizen) AS citizen, sum(sign * minutes_administration) AS administration
    FROM points
    GROUP BY day, rule, service, channel, territory
    HAVING found > 0
);

CREATE OR REPLACE VIEW v_journeys_weekly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    week, service, entry_channel,
    if(found < 10, NULL, found) AS journeys,
    if(found < 10, NULL, events) AS events,
    if(found < 10, NULL, duration_median_s) AS duration_median_s,
    found < 10 AS withheld
FROM
(
    SELECT
        toStartOfWeek(started, 1, 'UTC') AS week, service, entry_channel, count() AS found, sum(length(at)) AS events,
        quantileExact(0.5)(dateDiff('second', started, ended)) AS duration_median_s
    FROM journeys FINAL
    GROUP BY week, service, entry_channel
);
