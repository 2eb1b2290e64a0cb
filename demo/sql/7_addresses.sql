-- The addresses of events, by which a search finds them.
INSERT INTO mailgun_sync_recipientaddress (address, mailbox, last_event_on)
SELECT recipient, '', max(occurred_at)::date FROM mailgun_sync_mailgunevent WHERE recipient <> '' GROUP BY recipient
ON CONFLICT (address) DO NOTHING;
