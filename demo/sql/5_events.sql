-- The e-mail provider's events of the last 30 days about the messages, as services/ingest.py would have stored them.
INSERT INTO mailgun_sync_sendingdomain (name, paused, settle_after, last_error)
VALUES ({domain}, false, interval '30 minutes', '')
ON CONFLICT (name) DO NOTHING;

-- Accepted, then what came of it, and of some that somebody opened it or took it for spam.
INSERT INTO mailgun_sync_mailgunevent (
    domain_id, event, event_id, occurred_at, first_seen_at, recipient, subject, message_id, severity, reason, code,
    detail, sender_id, person_id, sent_message_id, delivery_id, school_id, linked_by, raw)
SELECT domain.id, e.event, e.event_id, e.at, least(e.at + interval '4 seconds', {now}), d.address, message.subject,
    d.provider_id, e.severity, e.reason, e.code, CASE WHEN e.event IN ('failed', 'rejected') THEN d.email_reason ELSE '' END,
    message.sender_id, r.person_id, d.message_id, d.id, d.school_id, 'variables',
    jsonb_build_object(
        'event', e.event, 'id', e.event_id, 'timestamp', extract(epoch FROM e.at), 'recipient', d.address,
        'severity', nullif(e.severity, ''), 'reason', nullif(e.reason, ''),
        'delivery-status', jsonb_build_object('code', nullif(e.code, '')::integer, 'message', d.email_reason),
        'message', jsonb_build_object(
            'headers', jsonb_build_object('to', d.address, 'subject', message.subject, 'message-id', d.provider_id)),
        'user-variables', jsonb_build_object(
            'sender', sender.username, 'person_id', r.person_id, 'message', d.message_id::text, 'delivery', d.id::text)
    )::text
FROM messenger_logs_delivery AS d
JOIN demo_message AS m ON m.id = d.message_id
JOIN messenger_logs_sentmessage AS message ON message.id = m.id
JOIN demo_sender AS sender ON sender.id = m.sender_id
JOIN messenger_logs_recipient AS r ON r.id = d.recipient_id
CROSS JOIN (SELECT id FROM mailgun_sync_sendingdomain WHERE name = {domain}) AS domain
CROSS JOIN LATERAL (
    SELECT first_attempt_at + interval '500 milliseconds' AS accepted_at, email_outcome_at AS ended_at,
        pg_temp.pick(provider_id, 86, 100) AS chance
) AS known
CROSS JOIN LATERAL (
    SELECT kind.*, 'demo' || md5(d.provider_id || kind.event) AS event_id
    FROM (VALUES
        ('accepted', accepted_at, '', '', '', d.email_outcome NOT IN ('', 'rejected')),
        ('rejected', ended_at, '', '', '', d.email_outcome = 'rejected'),
        ('delivered', ended_at, '', '', '250', d.email_outcome IN ('delivered', 'complained')),
        ('failed', ended_at, 'temporary', 'generic', '452', d.email_outcome = 'failed-temporary'),
        ('failed', ended_at, 'permanent', CASE WHEN d.email_reason LIKE '5.7%%' THEN 'generic' ELSE 'bounce' END,
            CASE left(d.email_reason, 3) WHEN '5.7' THEN '554' WHEN '5.2' THEN '552' ELSE '550' END, d.email_outcome = 'failed-permanent'),
        ('failed', ended_at, 'permanent', 'suppress-bounce', '605', d.email_outcome = 'suppressed'),
        ('opened', ended_at + interval '1 minute' * (1 + chance * chance), '', '', '',
            d.email_outcome = 'delivered' AND chance < 12),
        ('complained', ended_at + interval '3 minutes', '', '', '', d.email_outcome = 'complained')
    ) AS kind (event, at, severity, reason, code, happened)
    WHERE happened AND at <= {now}
) AS e
WHERE d.mode = 'email' AND NOT d.duplicate AND d.status = 'sent' AND d.first_attempt_at > {now} - interval '30 days';

-- How we know what the provider said.
UPDATE messenger_logs_delivery AS d SET email_linked_by = 'variables'
FROM demo_message AS m
WHERE m.id = d.message_id AND m.created_at > {now} - interval '31 days' AND d.email_outcome <> ''
    AND d.first_attempt_at > {now} - interval '30 days';
