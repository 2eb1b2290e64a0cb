CREATE TEMP TABLE demo_device ON COMMIT DROP AS
SELECT r.id AS recipient_id, m.id AS message_id, m.n, m.status AS message_status, m.modes[1] AS first_mode,
    m.engine, message.dispatch_started_at AS started, message.dispatch_finished_at AS finished,
    device.mode, coalesce(device.address, '') AS address, p.opted_out,
    device.address <> '' AND row_number() OVER (PARTITION BY m.id, device.mode, device.address ORDER BY r.id) > 1
        AS duplicate,
    coalesce(hopeless.chance, pg_temp.pick(m.n || device.mode || device.address, 71, 1000)) AS chance,
    pg_temp.pick(m.n || device.mode || device.address, 72, 1000) AS turn
FROM demo_message AS m
JOIN messenger_logs_sentmessage AS message ON message.id = m.id
JOIN messenger_logs_recipient AS r ON r.message_id = m.id
JOIN demo_person AS p ON p.person_id = r.person_id
CROSS JOIN LATERAL (SELECT p.hopeless OR p.mended AND coalesce(m.days_ago, 0) > 100 AS wrong) AS known
CROSS JOIN LATERAL (
    SELECT mode, CASE
        WHEN m.status = 'no_recipients' THEN ''
        WHEN mode = 'inbox' THEN CASE WHEN known.wrong THEN '' ELSE p.inbox END
        WHEN mode = 'email' THEN p.email
        ELSE p.cell
    END AS address
    FROM unnest(m.modes) AS mode
    UNION ALL
    SELECT 'voice', p.landline
    WHERE 'voice' = ANY(m.modes) AND m.status <> 'no_recipients' AND p.landline IS NOT NULL AND NOT known.wrong
) AS device
LEFT JOIN demo_hopeless AS hopeless ON known.wrong AND hopeless.mode = device.mode
-- Who has a landline is not without a device for calls.
WHERE NOT (device.mode = 'voice' AND device.address = '' AND p.landline IS NOT NULL AND NOT known.wrong
    AND m.status <> 'no_recipients');

-- What became of each: what the device allows first, then what the message came to, then chance.
INSERT INTO messenger_logs_delivery (
    message_id, recipient_id, mode, address, duplicate, status, detail, outcome, code, attempt_count,
    first_attempt_at, last_attempt_at, provider_id, email_outcome, email_reason, email_outcome_at)
SELECT d.message_id, d.recipient_id, d.mode, d.address, d.duplicate,
    told.status, told.detail, told.outcome, told.code, tried.times,
    CASE WHEN tried.times > 0 THEN tried.first END,
    CASE WHEN tried.times > 0 THEN least(tried.first + interval '7 minutes' * (tried.times - 1), {now}) END,
    CASE WHEN tried.times > 0 AND d.mode <> 'inbox' THEN 'demo-' || d.n || '-' || d.recipient_id || '-' || d.mode ELSE '' END,
    told.email_outcome, told.email_reason,
    CASE WHEN told.email_outcome <> '' THEN least(tried.first + interval '20 seconds', {now}) END
FROM demo_device AS d
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN d.address = '' THEN 'no_device'
        WHEN d.duplicate AND d.mode IN ('voice', 'text') AND d.engine = 'classic' THEN 'duplicate'
        WHEN d.mode = 'text' AND d.address LIKE '%%;%%' THEN 'not_eligible'
        WHEN d.mode = 'text' AND d.opted_out THEN 'opt_out'
        WHEN d.message_status IN ('waiting', 'canceled') THEN d.message_status
        WHEN d.message_status = 'canceled_ip' AND d.turn < 500 THEN 'canceled'
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
        coalesce(o.email_outcome, '') AS email_outcome, coalesce(o.email_reason, '') AS email_reason
) AS told
CROSS JOIN LATERAL (
    SELECT CASE
            WHEN d.started IS NULL THEN 0
            -- Nobody was called again after the cancel.
            WHEN d.message_status = 'canceled_ip' THEN least(1, told.most_attempts)
            WHEN told.most_attempts > 1 THEN 1 + d.turn %% told.most_attempts
            ELSE told.most_attempts
        END AS times,
        d.started + (coalesce(d.finished, {now}) - d.started) * (d.turn / 1000.0) AS first
) AS tried;

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
