INSERT INTO messenger_logs_calendar (school_id, name, school_year)
SELECT s.id, year || ' ' || s.name, year
FROM demo_school AS s, unnest({years}) AS year
ON CONFLICT (school_id, name) DO NOTHING;

-- First the messages of the story, then others. Of these one in forty has each unusual status, but only so many are
-- still to come or under way. The ids follow the time.
CREATE TEMP TABLE demo_message ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('messenger_logs_sentmessage', 'id')) AS id, message.*
FROM (
    SELECT e.n, e.n AS kind, e.engine, e.message_type, e.subject, e.modes, NULL::float AS audience, false AS scheduled,
        e.bodies, '[]'::jsonb AS attachments, e.criteria, e.language, e.drill, sender.id AS sender_id,
        sender.name AS sender_name, school.id AS school_id, coalesce(school.low, 0) AS low,
        coalesce(school.high, {households}) AS high, e.status, false AS from_scheduler, e.created_at,
        e.school = '' AND e.language = '' AS first_alone, 0 AS size, 0 AS start
    FROM demo_episode AS e
    JOIN demo_sender AS sender ON sender.username = e.sender
    LEFT JOIN demo_school AS school ON school.name = e.school
    WHERE e.n < {messages}
    UNION ALL
    SELECT {episodes} + r, k.i, k.engine, k.message_type, k.subject, k.modes, k.audience, k.scheduled, k.bodies,
        k.attachments, k.criteria, '', false, sender.id, sender.name, school.id, coalesce(school.low, 0),
        coalesce(school.high, {households}),
        CASE
            WHEN r < 200 AND r %% 40 = 0 THEN 'waiting'
            WHEN r < 200 AND r %% 40 = 1 THEN 'in_progress'
            WHEN r %% 40 = 2 THEN 'canceled'
            WHEN r %% 40 = 3 THEN 'canceled_ip'
            WHEN r %% 40 = 4 THEN 'error'
            WHEN r %% 40 = 5 THEN 'no_recipients'
            ELSE 'sent'
        END,
        r < 200 AND r %% 80 = 40,
        CASE
            WHEN r < 200 AND r %% 40 = 0 THEN {now} - interval '1 hour' * (1 + pg_temp.pick(r, 31, 20))
            WHEN r < 200 AND r %% 40 = 1 THEN {now} - interval '1 minute' * (2 + pg_temp.pick(r, 32, 8))
            ELSE least(worked.at, {now} - interval '15 minutes' * (3 + pg_temp.pick(r, 33, 60)))
        END,
        false, 0, 0
    FROM generate_series(0, {messages} - {episodes} - 1) AS r
    JOIN demo_kind AS k ON k.i = CASE
        WHEN r < {kinds} THEN r
        -- Of those to come and under way some are of the 2.0 engine.
        WHEN r IN (40, 41, 80, 81) THEN ({kinds_2})[1 + pg_temp.pick(r, 39, cardinality({kinds_2}))]
        ELSE pg_temp.pick(r, 34, {kinds})
    END
    JOIN demo_sender AS sender ON sender.i = pg_temp.pick(r, 35, {senders})
    -- Who works at a school writes to its families. A large school has more messages than a small one.
    CROSS JOIN LATERAL (SELECT pg_temp.pick(r, 36, {households}) AS household) AS any_family
    LEFT JOIN demo_school AS school ON k.audience < 300 AND CASE
        WHEN sender.school <> '' THEN school.name = sender.school
        ELSE household >= school.low AND household < school.high
    END
    -- The newer, the more: days back grow with the square. Offices work from Monday to Friday, from 7 to 5.
    CROSS JOIN LATERAL (
        SELECT ({now} AT TIME ZONE {zone})::date
            - (400 * (pg_temp.pick(r, 37, 1000) / 1000.0) ^ 2)::integer AS day
    ) AS any_day
    CROSS JOIN LATERAL (
        SELECT (day - greatest(extract(isodow FROM day)::integer - 5, 0) + interval '7 hours'
            + interval '1 second' * pg_temp.pick(r, 38, 36000)) AT TIME ZONE {zone} AS at
    ) AS worked
    ORDER BY created_at, n
) AS message;

-- The story goes to everybody whom it is for, as far as the size of the district allows, and what is for the whole
-- district to one parent of each family. The others share what is left of the recipients, and the people of a message
-- are neighbors. A slot is a family's first or second person.
UPDATE demo_message
SET start = low * 2, size = greatest(2, CASE
    WHEN first_alone THEN least(high - low, {recipients} / 6)
    ELSE least((high - low) * 2, round({recipients} * 0.26 / {people_a_slot}))
END)
WHERE audience IS NULL;
UPDATE demo_message AS m
SET size = sized.size, start = (low + pg_temp.pick(m.n, 41, greatest(1, high - low - sized.size / 2))) * 2
FROM (
    SELECT n, CASE
        WHEN status = 'no_recipients' THEN 3
        ELSE greatest(1, least((high - low) * 2, round(rest.slots * share / sum(share) OVER ())))::integer
    END AS size
    FROM (
        SELECT n, status, low, high, audience * (0.4 + pg_temp.pick(n, 42, 120) / 100.0) AS share
        FROM demo_message WHERE audience IS NOT NULL
    ) AS shares
    CROSS JOIN (
        SELECT greatest({recipients} / {people_a_slot} / 10, {recipients} / {people_a_slot} - sum(size)
            FILTER (WHERE language = '')) AS slots FROM demo_message WHERE audience IS NULL
    ) AS rest
) AS sized
WHERE sized.n = m.n;
ANALYZE demo_message;

INSERT INTO messenger_logs_sentmessage (
    id, engine, message_type, status, subject, sender_id, sender_name, school_id, schedule_id, created_at,
    scheduled_at, listed_from, email_start_at, voice_start_at, dispatch_started_at, dispatch_finished_at, modes,
    bodies, attachments, criteria, reply_to, drill, canceled_by_id, canceled_by_name, cancel_asked_at,
    cancel_completed_at)
SELECT m.id, engine, message_type, status, subject, sender_id, sender_name, school_id,
    CASE WHEN m.scheduled THEN (70000 + m.kind)::text ELSE '' END,
    m.created_at, start.at, CASE WHEN from_scheduler THEN start.at ELSE m.created_at END,
    CASE WHEN modes && ARRAY['inbox', 'email'] THEN start.at END,
    CASE WHEN modes && ARRAY['voice', 'text'] THEN start.at END,
    begun.at,
    CASE WHEN status = 'canceled_ip' THEN cancel.completed WHEN status <> 'in_progress' THEN begun.at + lasted END,
    modes, bodies, attachments, criteria,
    CASE WHEN 'email' = ANY(modes) THEN 'office@harrison.example' ELSE '' END,
    drill,
    CASE WHEN cancel.asked IS NOT NULL THEN sender_id END,
    CASE WHEN cancel.asked IS NOT NULL THEN sender_name ELSE '' END,
    cancel.asked, cancel.completed
FROM demo_message AS m
-- What is scheduled for later begins on a working day, at a full or half hour from 7 to 5.
CROSS JOIN LATERAL (
    SELECT (CASE WHEN status = 'waiting' THEN {now} ELSE m.created_at END AT TIME ZONE {zone})::date
        + 1 + pg_temp.pick(n, 51, 4) AS day
) AS later
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN status IN ('waiting', 'canceled') THEN (
            day + CASE extract(isodow FROM day) WHEN 6 THEN 2 WHEN 7 THEN 1 ELSE 0 END
            + interval '7 hours' + interval '30 minutes' * pg_temp.pick(n, 53, 20)) AT TIME ZONE {zone}
        WHEN scheduled AND status <> 'in_progress'
            THEN greatest(m.created_at, least(m.created_at + interval '30 minutes', {now} - interval '40 minutes'))
        ELSE m.created_at
    END AS at
) AS start
CROSS JOIN LATERAL (
    SELECT interval '20 seconds' + interval '120 milliseconds' * least(size, 9000) AS lasted,
        CASE WHEN status NOT IN ('waiting', 'canceled', 'no_recipients')
            THEN start.at + interval '1 second' * (2 + pg_temp.pick(n, 52, 20)) END AS at
) AS begun
-- Somebody cancels before the start, or in the middle of it. Calls that ring are over half a minute later.
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN status = 'canceled_ip' THEN begun.at + lasted * 0.55
        WHEN status = 'canceled' THEN date_trunc('second',
            m.created_at + (least(start.at, {now}) - m.created_at) * (0.2 + pg_temp.pick(n, 54, 60) / 100.0))
    END AS asked
) AS canceled
CROSS JOIN LATERAL (
    SELECT asked, asked + CASE status WHEN 'canceled' THEN interval '1 second' ELSE interval '30 seconds' END AS completed
) AS cancel;

INSERT INTO messenger_logs_sentmessage_calendars (sentmessage_id, calendar_id)
SELECT m.id, c.id
FROM demo_message AS m
JOIN messenger_logs_calendar AS c ON (c.school_id = m.school_id OR m.school_id IS NULL)
    AND c.school_year = CASE WHEN m.created_at < {new_year} THEN ({years})[1] ELSE ({years})[2] END
JOIN demo_school AS s ON s.id = c.school_id;
