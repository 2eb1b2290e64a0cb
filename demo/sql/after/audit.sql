-- What the staff did: they signed in, canceled messages, looked at them, and had reports made.
CREATE TEMP TABLE demo_look ON COMMIT DROP AS
SELECT person.*, look.*
FROM (
    SELECT sender_id AS who_id, cancel_asked_at AS at, 'message.canceled' AS action, subject AS target,
        jsonb_build_object('message', id, 'status', CASE status WHEN 'canceled' THEN 'Canceled' ELSE 'Canceled IP' END)
            AS details
    FROM messenger_logs_sentmessage WHERE id IN (SELECT id FROM demo_message) AND cancel_asked_at IS NOT NULL
    UNION ALL
    SELECT sender_id, cancel_completed_at, 'message.cancel_completed', subject, jsonb_build_object(
        'message', message.id, 'left', devices - hung_up - never_started - untried, 'hung_up', hung_up,
        'never_started', never_started, 'not_tried', untried)
    FROM messenger_logs_sentmessage AS message
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(devices), 0) AS devices, coalesce(sum(canceled - canceled_begun), 0) AS never_started,
            coalesce(sum(canceled_begun) FILTER (WHERE mode = 'voice'), 0) AS hung_up,
            coalesce(sum(untried), 0) AS untried
        FROM messenger_logs_messagemodetotals AS kept WHERE kept.message_id = message.id
    ) AS figures
    WHERE message.id IN (SELECT id FROM demo_message) AND cancel_asked_at IS NOT NULL
    UNION ALL
    SELECT reader.id, m.created_at + interval '1 minute' * (20 + pg_temp.pick(m.n * 10 + part.i, 91, 400)), part.action,
        m.subject, jsonb_build_object('message', m.id) || part.details
    FROM demo_message AS m
    CROSS JOIN (VALUES
        (1, 'message.viewed', '{{"shown": "message"}}'::jsonb, false),
        (2, 'message.viewed', '{{"shown": "recipients"}}'::jsonb, false),
        (3, 'message.viewed', '{{"shown": "message"}}'::jsonb, true),
        (4, 'report.sent_message', '{{"format": "pdf"}}'::jsonb, true)
    ) AS part (i, action, details, is_administrator)
    JOIN accounts_user AS reader
        ON CASE WHEN is_administrator THEN reader.username = 'messenger' ELSE reader.id = m.sender_id END
    WHERE m.created_at > {now} - interval '14 days'
        AND (m.audience IS NULL OR pg_temp.pick(m.n * 10 + part.i, 92, 4) = 0)
) AS look
JOIN (SELECT id AS person_id, last_name || ', ' || first_name AS who FROM accounts_user) AS person
    ON person.person_id = look.who_id
WHERE at < {now};

WITH stored AS (
    INSERT INTO accounts_auditevent (occurred_at, who_id, who, action, target, details)
    SELECT * FROM (
        SELECT at AS occurred_at, who_id, who, action, target, details FROM demo_look
        UNION ALL
        -- Each signed in on the days on which they did something.
        SELECT min(at) - interval '2 minutes', who_id, who, 'sign_in.succeeded', '', '{{}}'::jsonb
        FROM demo_look GROUP BY who_id, who, (at AT TIME ZONE {zone})::date
    ) AS event
    ORDER BY occurred_at, who_id, action
    RETURNING who_id, occurred_at, action
)
UPDATE accounts_user AS person SET last_login = last.at
FROM (SELECT who_id, max(occurred_at) AS at FROM stored WHERE action = 'sign_in.succeeded' GROUP BY who_id) AS last
WHERE person.id = last.who_id;

-- The chain of the audit trail takes them for events of the time before it: they are older than this moment.
UPDATE accounts_auditwaiting SET stored_at = NULL;
