-- Events of mail that other systems sent in the last 30 days.
INSERT INTO mailgun_sync_mailgunevent (
    domain_id, event, event_id, occurred_at, first_seen_at, recipient, subject, message_id, severity, reason, code, detail, sender_id,
    person_id, raw)
SELECT domain.id, e.event, e.event_id, e.occurred_at, least(e.occurred_at + interval '4 seconds', {now}), p.email, k.subject, e.message_id, e.severity, e.reason, e.code,
    e.detail, sender.id, p.person_id,
    jsonb_build_object(
        'event', e.event, 'id', e.event_id, 'timestamp', extract(epoch FROM e.occurred_at), 'recipient', p.email,
        'severity', nullif(e.severity, ''), 'reason', nullif(e.reason, ''),
        'delivery-status', jsonb_build_object('code', nullif(e.code, '')::integer, 'message', e.detail),
        'message', jsonb_build_object(
            'headers', jsonb_build_object('to', p.email, 'subject', k.subject, 'message-id', e.message_id)),
        'user-variables', jsonb_build_object('sender', sender.username, 'person_id', p.person_id)
    )::text
FROM (
    SELECT n, n / 2 AS mail, what.*, 'demo' || md5({seed} || '-' || n) AS event_id,
        md5({seed} || '-' || n / 2) || '@' || {domain} AS message_id,
        {now} - interval '30 days' * (pg_temp.pick(n / 2, 81, 1000000) / 1000000.0)
            - interval '1 second' * (1 - n %% 2) AS occurred_at
    FROM generate_series(0, {events} - 1) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN n %% 2 = 0 THEN -1 ELSE pg_temp.pick(n, 82, 100) END AS chance) AS c
    CROSS JOIN LATERAL (
        SELECT CASE WHEN chance < 0 THEN 'accepted' WHEN chance < 93 THEN 'delivered' WHEN chance < 98 THEN 'failed'
                WHEN chance < 99 THEN 'complained' ELSE 'rejected' END AS event,
            CASE WHEN chance BETWEEN 93 AND 96 THEN 'permanent' WHEN chance = 97 THEN 'temporary' ELSE '' END AS severity,
            CASE WHEN chance = 96 THEN 'suppress-bounce' WHEN chance BETWEEN 93 AND 95 THEN 'bounce'
                WHEN chance = 97 THEN 'generic' ELSE '' END AS reason,
            CASE WHEN chance = 96 THEN '605' WHEN chance BETWEEN 93 AND 95 THEN '550' WHEN chance = 97 THEN '452'
                WHEN chance BETWEEN 0 AND 92 THEN '250' ELSE '' END AS code,
            CASE WHEN chance = 96 THEN 'Not delivering to previously bounced address'
                WHEN chance BETWEEN 93 AND 95 THEN '550 5.1.1 The account does not exist'
                WHEN chance = 97 THEN '452 4.2.2 The mailbox is full'
                WHEN chance BETWEEN 0 AND 92 THEN 'OK' WHEN chance = 99 THEN 'Sender is not allowed'
                ELSE '' END AS detail
    ) AS what
) AS e
JOIN (SELECT *, row_number() OVER (ORDER BY n) - 1 AS i FROM demo_person WHERE email <> '') AS p
    ON p.i = pg_temp.pick(e.mail, 83, (SELECT count(*) FROM demo_person WHERE email <> ''))
JOIN (SELECT *, row_number() OVER (ORDER BY i) - 1 AS j FROM demo_kind WHERE 'email' = ANY(modes)) AS k
    ON k.j = pg_temp.pick(e.mail, 84, (SELECT count(*) FROM demo_kind WHERE 'email' = ANY(modes)))
JOIN demo_sender AS sender ON sender.i = pg_temp.pick(e.mail, 85, {senders})
CROSS JOIN (SELECT id FROM mailgun_sync_sendingdomain WHERE name = {domain}) AS domain;
