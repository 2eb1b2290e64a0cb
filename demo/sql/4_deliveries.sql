-- What is wrong with a device for good begins on a day of its own. Before it, messages arrive.
CREATE TEMP TABLE demo_device ON COMMIT DROP AS
SELECT *, CASE
        WHEN mode = 'email' AND address LIKE '%%@' || {refusing} AND (started AT TIME ZONE {zone})::date = {refused_on}
            THEN {refused}
        WHEN mode = 'email' AND full_then THEN {mailbox_full}
        WHEN mode = 'email' AND wrong AND failed_before > 0 THEN {suppressed}
        WHEN mode = 'email' AND wrong THEN {no_mailbox}
        WHEN mode = 'voice' AND (wrong OR full_then) THEN {not_in_service}
        WHEN mode = 'text' AND (wrong OR full_then) THEN {unknown_number}
        ELSE pg_temp.pick(n || mode || address, 71, 1000)
    END AS chance,
    pg_temp.pick(n || mode || address, 72, 1000) AS turn
FROM (
    SELECT device.*,
        address <> '' AND row_number() OVER (PARTITION BY message_id, mode, address ORDER BY recipient_id) > 1
            AS duplicate,
        -- The provider tries an address that failed for good once, and no more.
        sum((mode = 'email' AND wrong AND message_status = 'sent')::integer) OVER (
            PARTITION BY mode, address ORDER BY message_id GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS failed_before
    FROM (
        SELECT r.id AS recipient_id, m.id AS message_id, m.n, m.status AS message_status, m.modes[1] AS first_mode,
            m.engine, message.dispatch_started_at AS started, message.dispatch_finished_at AS finished,
            message.cancel_asked_at AS asked, device.mode, coalesce(device.address, '') AS address,
            coalesce(p.opted_out_at < m.created_at, false) AS opted_out, known.full_then,
            p.hopeless OR device.mode <> 'inbox' AND device.address <> ''
                AND pg_temp.pick(device.address, 73, 1000) < 25
                AND m.created_at > {now} - interval '1 day' * pg_temp.pick(device.address, 74, 400) AS wrong
        FROM demo_message AS m
        JOIN messenger_logs_sentmessage AS message ON message.id = m.id
        JOIN messenger_logs_recipient AS r ON r.message_id = m.id
        JOIN demo_person AS p ON p.person_id = r.person_id
        CROSS JOIN LATERAL (SELECT p.mended AND m.created_at < {mended_at} AS full_then) AS known
        CROSS JOIN LATERAL (
            SELECT mode, CASE
                WHEN m.status = 'no_recipients' THEN ''
                WHEN mode = 'inbox' THEN CASE WHEN known.full_then THEN '' ELSE p.inbox END
                WHEN mode = 'email' THEN p.email
                ELSE p.cell
            END AS address
            FROM unnest(m.modes) AS mode
            UNION ALL
            SELECT 'voice', p.landline
            WHERE 'voice' = ANY(m.modes) AND m.status <> 'no_recipients' AND p.landline IS NOT NULL
                AND NOT known.full_then
        ) AS device
        -- Who has a landline is not without a device for calls.
        WHERE NOT (device.mode = 'voice' AND device.address = '' AND p.landline IS NOT NULL AND NOT known.full_then
            AND m.status <> 'no_recipients')
    ) AS device
) AS device;

-- What became of each: what the device allows first, then what the message came to, then chance.
INSERT INTO messenger_logs_delivery (
    message_id, recipient_id, mode, address, duplicate, status, detail, outcome, code, attempt_count,
    first_attempt_at, last_attempt_at, provider_id, email_outcome, email_reason, email_outcome_at)
SELECT d.message_id, d.recipient_id, d.mode, d.address, d.duplicate,
    told.status, told.detail, told.outcome, told.code, tried.times,
    CASE WHEN tried.times > 0 THEN tried.first END,
    CASE WHEN tried.times > 0 THEN tried.first + interval '7 minutes' * (tried.times - 1) END,
    CASE
        WHEN tried.times = 0 OR d.mode = 'inbox' THEN ''
        WHEN d.mode = 'email' THEN md5({seed} || '-' || d.n || '-' || d.address) || '@' || {domain}
        ELSE 'demo-' || d.n || '-' || d.mode || '-' || md5(d.recipient_id || d.address)
    END,
    told.email_outcome, told.email_reason,
    CASE WHEN told.email_outcome <> '' THEN tried.first + interval '1 second' * (1 + d.turn %% 30) END
FROM demo_device AS d
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN d.address = '' THEN 'no_device'
        WHEN d.duplicate AND d.mode IN ('voice', 'text') AND d.engine = 'classic' THEN 'duplicate'
        WHEN d.mode = 'text' AND d.address LIKE '%%;%%' THEN 'not_eligible'
        WHEN d.mode = 'text' AND d.opted_out THEN 'opt_out'
        WHEN d.message_status IN ('waiting', 'canceled') THEN d.message_status
        WHEN d.message_status = 'canceled_ip' AND d.turn < 450 THEN 'canceled'
        -- These calls were hung up.
        WHEN d.message_status = 'canceled_ip' AND d.turn < 460 AND d.mode = 'voice' THEN 'canceled'
        WHEN d.message_status = 'in_progress' AND d.turn < 350 THEN 'waiting'
        WHEN d.message_status = 'in_progress' AND d.turn < 450 THEN 'in_progress'
        WHEN d.message_status = 'in_progress' AND d.turn < 550 AND d.mode IN ('voice', 'text') THEN 'vendor_received'
        WHEN d.message_status = 'error' AND d.mode = d.first_mode THEN 'failed'
    END AS status
) AS fixed
LEFT JOIN demo_fixed AS f ON f.status = fixed.status AND f.mode = d.mode
LEFT JOIN demo_outcome AS o ON fixed.status IS NULL AND o.mode = d.mode AND d.chance BETWEEN o.low AND o.high
CROSS JOIN LATERAL (
    SELECT coalesce(f.status, o.status) AS status, coalesce(f.detail, o.detail) AS detail,
        coalesce(f.outcome, o.outcome) AS outcome, CASE WHEN f.status IS NULL THEN o.code ELSE f.code END AS code,
        coalesce(f.attempts, o.most_attempts) AS most_attempts,
        -- The provider gives up after some hours.
        CASE WHEN o.email_outcome = 'failed-temporary' AND d.started < {now} - interval '8 hours' THEN 'failed-permanent'
            ELSE coalesce(o.email_outcome, '') END AS email_outcome,
        coalesce(o.email_reason, '') AS email_reason
) AS told
CROSS JOIN LATERAL (
    SELECT CASE
            WHEN d.started IS NULL THEN 0
            WHEN d.message_status = 'canceled_ip' AND told.status = 'canceled' THEN (d.turn >= 450)::integer
            -- Nobody was called again after the cancel, and it is too early for it while a message goes out.
            WHEN d.message_status IN ('canceled_ip', 'in_progress') THEN least(1, told.most_attempts)
            WHEN told.most_attempts > 1 THEN 1 + d.turn %% told.most_attempts
            ELSE told.most_attempts
        END AS times,
        -- Most go out at the beginning. Of a canceled message, all that went had gone before the cancel.
        d.started + (coalesce(d.asked, d.finished, {now} - interval '40 seconds') - d.started)
            * (CASE WHEN d.message_status = 'in_progress' THEN 1000 - d.turn ELSE d.turn END / 1000.0) ^ 2 AS first
) AS tried;

ANALYZE messenger_logs_delivery;

-- Every try of a call or a text; only the last one came to what the device came to.
INSERT INTO messenger_logs_deviceattempt (
    delivery_id, number, started_at, ended_at, code, status, detail, outcome, rank, made, provider_id, raw)
SELECT d.id, number, d.first_attempt_at + interval '7 minutes' * (number - 1),
    d.first_attempt_at + interval '7 minutes' * (number - 1) + interval '25 seconds',
    CASE WHEN last THEN d.code WHEN d.mode = 'voice' THEN 1 ELSE -30 END,
    told.status, told.detail, told.outcome, ranked.rank, true, d.provider_id, ''
FROM demo_message AS m
JOIN messenger_logs_delivery AS d ON d.message_id = m.id
CROSS JOIN generate_series(1, d.attempt_count) AS number
CROSS JOIN LATERAL (SELECT number = d.attempt_count AS last) AS which
CROSS JOIN LATERAL (
    SELECT CASE WHEN last THEN d.status WHEN d.mode = 'voice' THEN 'busy' ELSE 'failed' END AS status,
        CASE WHEN last THEN d.detail WHEN d.mode = 'voice' THEN '' ELSE 'Carrier or vendor issue' END AS detail,
        CASE WHEN last THEN d.outcome WHEN d.mode = 'voice' THEN 'not_reached' ELSE 'error' END AS outcome
) AS told
JOIN demo_rank AS ranked ON ranked.status = told.status
WHERE d.mode IN ('voice', 'text') AND NOT d.duplicate;

-- A message ends after its last attempt. Somebody who canceled it ended it.
UPDATE messenger_logs_sentmessage AS message SET dispatch_finished_at = last.at
FROM (
    SELECT d.message_id, max(attempt.ended_at) AS at
    FROM messenger_logs_deviceattempt AS attempt JOIN messenger_logs_delivery AS d ON d.id = attempt.delivery_id
    JOIN demo_message AS m ON m.id = d.message_id
    GROUP BY 1
) AS last
WHERE message.id = last.message_id AND dispatch_finished_at < last.at AND cancel_asked_at IS NULL;
