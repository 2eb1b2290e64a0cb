"""Columns that the grouped log counts by, and indexes that such a count reads alone.

To add the columns, PostgreSQL rewrites the table once, and nobody can read or write events meanwhile.
"""

from functools import reduce

from django.db import migrations, models

import mailgun_sync.grouping

WORD = r'[^\s<>()\[\]{}:;,"]+'
# What differs from e-mail to e-mail, and stands for nothing else. PostgreSQL takes the longest of those that fit.
DIFFERS = '|'.join(
    [
        r'\mhttps?://[^\s<>)\]]+',
        rf'<?{WORD}@{WORD}>?',
        r'<[^<>]*>',
        # 2026-11-20T10:31:07.123Z; Fri, 20 Nov 2026 10:31:07 +0000
        r'\m\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?( ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?',
        r'\m((Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}'
        r'( \d\d:\d\d(:\d\d)?)?( ?(Z|UTC|GMT|[+-]\d{4}))?',
        r'\m\d{1,3}(\.\d{1,3}){3}\M',
        r'\m[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f.]*',
        # A host ends in letters of one case. So "exist.Please" is none, nor is RESOLVER.ADR.RecipientNotFound.
        r'\m[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.([a-z]{2,}|[A-Z]{2,})\M(?!\.\w)',
    ]
)
STEPS = [
    (r'\s+', ' '),
    (DIFFERS, '…'),
    (r'^ ?(smtp;|(…:? ?)?host …(\[…\])?(:\d+)? said:) ?', ''),
    # 550 5.1.1, 550-5.1.1, #5.1.1; and the code of a reply without such a part.
    (r'#?(\m[245]\d\d[ -]?)?\m[245]\.\d{1,3}\.\d{1,3}\M', ' '),
    (r'^ *([245]\d\d[ -])+', ''),
    # Brackets around a number, an address or an id.
    (r'\[[^][]*([0-9…]|[^][ ]{12})[^][]*\]|\([^()]*[0-9…][^()]*\)', ' '),
    (r'[^\s…]*[0-9][^\s…]*', '…'),
    (r'…?[ -]*\mgsmtp *$', ''),
    (r'…([^[:alnum:]]*…)+', '…'),
    (r'\(\W*\)|\[\W*\]', ' '),
    (r'^[^[:alnum:]]+|[ ,:;=#"(<\[…-]+$', ''),
    (r' +(?=[.,:; ])', ''),
]
REASON = reduce(
    lambda text, step: f"regexp_replace({text}, $re${step[0]}$re$, '{step[1]}', 'g')", STEPS, 'left($1, 1000)'
)

# None of them is strict, so that PostgreSQL puts them into the statement that stores events, and a usual event pays for a
# few comparisons. A call costs more, and a regular expression as much as the half of an event: each waits behind these.
FUNCTIONS = f"""
CREATE FUNCTION mailgun_reason(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN $1 = '' THEN '' ELSE left(coalesce(
    nullif({REASON}, ''), substring($1 FROM '\\m[245]\\.\\d{{1,3}}\\.\\d{{1,3}}\\M|\\m[245]\\d\\d\\M'), ''), 200) END;

CREATE FUNCTION provider_of_domain(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE $1
    WHEN 'gmail.com' THEN 'Google' WHEN 'googlemail.com' THEN 'Google'
    WHEN 'outlook.com' THEN 'Microsoft' WHEN 'hotmail.com' THEN 'Microsoft'
    WHEN 'live.com' THEN 'Microsoft' WHEN 'msn.com' THEN 'Microsoft'
    WHEN 'yahoo.com' THEN 'Yahoo' WHEN 'ymail.com' THEN 'Yahoo' WHEN 'rocketmail.com' THEN 'Yahoo'
    WHEN 'aol.com' THEN 'Yahoo' WHEN 'aim.com' THEN 'Yahoo'
    WHEN 'icloud.com' THEN 'Apple' WHEN 'me.com' THEN 'Apple' WHEN 'mac.com' THEN 'Apple'
    ELSE CASE
        WHEN split_part($1, '.', 1) IN ('outlook', 'hotmail', 'live', 'yahoo', 'aol')
            AND $1 ~ '^[a-z]+\\.([a-z]{{2}}|com?\\.[a-z]{{2}})$'
        THEN CASE WHEN split_part($1, '.', 1) IN ('yahoo', 'aol') THEN 'Yahoo' ELSE 'Microsoft' END
        ELSE left($1, 100) END
    END;

CREATE FUNCTION mailbox_provider(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN strpos($1, '@') = 0 THEN ''
    ELSE provider_of_domain(lower(rtrim(split_part($1, '@', -1), '> '))) END;

CREATE FUNCTION text_key(text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || left(md5($1), 16))::bit(64)::bigint;
"""
NO_FUNCTIONS = 'DROP FUNCTION mailgun_reason(text), mailbox_provider(text), provider_of_domain(text), text_key(text)'

# One statement, so that the table is written only once.
COLUMNS = """
ALTER TABLE mailgun_sync_mailgunevent
    ADD COLUMN reason_text varchar(200) GENERATED ALWAYS AS (mailgun_reason(detail)) STORED,
    ADD COLUMN mailbox_provider varchar(100) GENERATED ALWAYS AS (mailbox_provider(recipient)) STORED,
    ADD COLUMN subject_key bigint GENERATED ALWAYS AS (text_key(subject)) STORED
"""
NO_COLUMNS = """
ALTER TABLE mailgun_sync_mailgunevent
    DROP COLUMN reason_text, DROP COLUMN mailbox_provider, DROP COLUMN subject_key
"""


def generated(name, expression, output_field):
    field = models.GeneratedField(expression=expression, output_field=output_field, db_persist=True)
    return migrations.AddField(model_name='mailgunevent', name=name, field=field)


class Migration(migrations.Migration):

    dependencies = [
        ('mailgun_sync', '0009_counts_without_rows'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='mailgunevent', name='mailgun_event_time'),
        migrations.RemoveIndex(model_name='mailgunevent', name='mailgun_event_rare_kind'),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(
            COLUMNS,
            NO_COLUMNS,
            state_operations=[
                generated('reason_text', mailgun_sync.grouping.ReasonText('detail'), models.CharField(max_length=200)),
                generated(
                    'mailbox_provider',
                    mailgun_sync.grouping.MailboxProvider('recipient'),
                    models.CharField(max_length=100),
                ),
                generated('subject_key', mailgun_sync.grouping.TextKey('subject'), models.BigIntegerField()),
            ],
        ),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(
                fields=['occurred_at', 'id'],
                include=('event', 'kind', 'mailbox_provider', 'subject_key', 'sent_message', 'sender', 'domain'),
                name='mailgun_event_time',
            ),
        ),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(
                condition=models.Q(('kind__in', ['accepted', 'delivered']), _negated=True),
                fields=['kind', 'occurred_at', 'id'],
                include=('reason_text', 'mailbox_provider', 'subject_key', 'sent_message', 'sender'),
                name='mailgun_event_rare_kind',
            ),
        ),
    ]
