INSERT INTO messenger_logs_school (name) SELECT unnest({schools}) ON CONFLICT (name) DO NOTHING;
INSERT INTO messenger_logs_calendar (school_id, name, school_year)
SELECT s.id, year || ' ' || s.name, year
FROM messenger_logs_school AS s, unnest({years}) AS year
WHERE s.name = ANY({schools})
ON CONFLICT (school_id, name) DO NOTHING;

-- One message in forty of each unusual status, but only so many that are still to come or under way.
CREATE TEMP TABLE demo_message ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('messenger_logs_sentmessage', 'id')) AS id, n, k.*,
    sender.id AS sender_id, sender.name AS sender_name,
    CASE WHEN k.audience < 300 THEN school.id END AS school_id,
    CASE WHEN k.audience < 300 THEN school.i END AS school,
    CASE
        WHEN k.days_ago IS NOT NULL THEN 'sent'
        WHEN n < 200 AND n %% 40 = 0 THEN 'waiting'
        WHEN n < 200 AND n %% 40 = 1 THEN 'in_progress'
        WHEN n %% 40 = 2 THEN 'canceled'
        WHEN n %% 40 = 3 THEN 'canceled_ip'
        WHEN n %% 40 = 4 THEN 'error'
        WHEN n %% 40 = 5 THEN 'no_recipients'
        ELSE 'sent'
    END AS status,
    n < 200 AND n %% 80 = 40 AS from_scheduler,
    CASE
        WHEN k.days_ago IS NOT NULL
            THEN (({now} AT TIME ZONE {zone})::date - k.days_ago + interval '10 hours') AT TIME ZONE {zone}
        WHEN n < 200 AND n %% 40 = 0 THEN {now} - interval '1 hour' * (1 + pg_temp.pick(n, 31, 20))
        WHEN n < 200 AND n %% 40 = 1 THEN {now} - interval '1 minute' * (2 + pg_temp.pick(n, 32, 8))
        ELSE least(worked.at, {now} - interval '15 minutes' * (1 + pg_temp.pick(n, 33, 60)))
    END AS created_at,
    0 AS size, 0 AS start
FROM generate_series(0, {messages} - 1) AS n
JOIN demo_kind AS k ON k.i = CASE
    WHEN n < {kinds} + {drills} THEN n
    -- Of those to come and under way some are of the 2.0 engine.
    WHEN n IN (40, 41, 80, 81) THEN ({kinds_2})[1 + pg_temp.pick(n, 39, cardinality({kinds_2}))]
    ELSE pg_temp.pick(n, 34, {kinds})
END
JOIN demo_sender AS sender ON sender.i = pg_temp.pick(n, 35, {senders})
JOIN (SELECT id, row_number() OVER (ORDER BY name) - 1 AS i FROM messenger_logs_school WHERE name = ANY({schools}))
    AS school ON school.i = pg_temp.pick(n, 36, {school_count})
-- The newer, the more: days back grow with the square. Offices work from Monday to Friday, from 7 to 5.
CROSS JOIN LATERAL (
    SELECT ({now} AT TIME ZONE {zone})::date
        - (400 * (pg_temp.pick(n, 37, 1000) / 1000.0) ^ 2)::integer AS day
) AS any_day
CROSS JOIN LATERAL (
    SELECT (day - greatest(extract(isodow FROM day)::integer - 5, 0) + interval '7 hours'
        + interval '1 second' * pg_temp.pick(n, 38, 36000)) AT TIME ZONE {zone} AS at
) AS worked;

-- So many people as are asked for in all, most of them in few messages; the people of a message are neighbors.
UPDATE demo_message AS m
SET size = CASE WHEN status = 'no_recipients' THEN 3 ELSE sized.size END,
    start = CASE
        WHEN days_ago IS NOT NULL THEN 0
        WHEN school IS NULL THEN pg_temp.pick(m.n, 41, {people})
        -- Of a school, only its own families, as far as there are so many.
        ELSE (school * {households} + {school_count} - 1) / {school_count} * 2
            + pg_temp.pick(m.n, 41, greatest(1, {people} / {school_count} - sized.size))
    END
FROM (
    SELECT n, greatest(1, least({people}, round({recipients} * share / sum(share) OVER ())))::integer AS size
    FROM (SELECT n, audience * CASE WHEN days_ago IS NULL THEN 0.4 + pg_temp.pick(n, 42, 120) / 100.0 ELSE 1 END
        AS share FROM demo_message) AS shares
) AS sized
WHERE sized.n = m.n;
ANALYZE demo_message;

INSERT INTO messenger_logs_sentmessage (
    id, engine, message_type, status, subject, sender_id, sender_name, school_id, schedule_id, created_at,
    scheduled_at, listed_from, email_start_at, voice_start_at, dispatch_started_at, dispatch_finished_at, modes,
    bodies, attachments, criteria, reply_to, drill, canceled_by_id, canceled_by_name, cancel_asked_at,
    cancel_completed_at)
SELECT m.id, engine, message_type, status, subject, sender_id, sender_name, school_id,
    CASE WHEN m.scheduled THEN (70000 + m.i)::text ELSE '' END,
    m.created_at, at.scheduled, CASE WHEN from_scheduler THEN at.scheduled ELSE m.created_at END,
    CASE WHEN modes && ARRAY['inbox', 'email'] THEN at.scheduled END,
    CASE WHEN modes && ARRAY['voice', 'text'] THEN at.scheduled END,
    at.started,
    CASE WHEN status <> 'in_progress' THEN at.started + lasted END,
    modes, bodies, attachments, criteria,
    CASE WHEN 'email' = ANY(modes) THEN 'office@harrison.example' ELSE '' END,
    days_ago IS NOT NULL,
    CASE WHEN canceled THEN sender_id END,
    CASE WHEN canceled THEN sender_name ELSE '' END,
    CASE WHEN canceled THEN coalesce(at.started, at.scheduled - interval '20 seconds') + interval '5 seconds' END,
    CASE WHEN canceled THEN coalesce(at.started, at.scheduled - interval '20 seconds') + interval '12 seconds' END
FROM demo_message AS m
CROSS JOIN LATERAL (
    SELECT CASE WHEN status = 'waiting' THEN {now} + interval '1 hour' * (2 + pg_temp.pick(n, 51, 60))
        WHEN scheduled AND status <> 'in_progress'
        THEN least(m.created_at + interval '30 minutes', {now} - interval '10 minutes')
        ELSE m.created_at END AS time
) AS start
CROSS JOIN LATERAL (
    SELECT greatest(start.time, m.created_at) AS scheduled,
        CASE WHEN status NOT IN ('waiting', 'canceled', 'no_recipients')
            THEN greatest(start.time, m.created_at) + interval '1 second' * (2 + pg_temp.pick(n, 52, 20)) END AS started
) AS at
CROSS JOIN LATERAL (SELECT interval '20 seconds' + interval '40 milliseconds' * least(size, 9000) AS lasted) AS last
CROSS JOIN LATERAL (SELECT status IN ('canceled', 'canceled_ip') AS canceled) AS cancel;

INSERT INTO messenger_logs_sentmessage_calendars (sentmessage_id, calendar_id)
SELECT m.id, c.id
FROM demo_message AS m
JOIN messenger_logs_calendar AS c ON (c.school_id = m.school_id OR m.school_id IS NULL)
    AND c.school_year = CASE WHEN m.created_at < {new_year} THEN ({years})[1] ELSE ({years})[2] END
JOIN messenger_logs_school AS s ON s.id = c.school_id AND s.name = ANY({schools});
