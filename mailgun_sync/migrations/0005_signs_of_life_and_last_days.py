"""What a sync tells about itself, and the last day of each address.

PostgreSQL adds the columns without a rewrite. The last days come from the events in one statement; it reads the whole
table of events, and nobody waits for it but the syncs.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

LAST_DAYS = """
UPDATE mailgun_sync_recipientaddress AS kept SET last_event_on = newest.day
FROM (
    SELECT recipient, max(least(occurred_at, now()) AT TIME ZONE 'UTC')::date AS day
    FROM mailgun_sync_mailgunevent WHERE recipient <> '' GROUP BY recipient
) AS newest
WHERE kept.address = newest.recipient
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mailgun_sync', '0004_event_kind'),
    ]

    operations = [
        migrations.AddField(
            model_name='syncrun',
            name='differs',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='syncrun',
            name='seen_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name='syncrun',
            name='skipped',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='recipientaddress',
            name='last_event_on',
            field=models.DateField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RunSQL(LAST_DAYS, migrations.RunSQL.noop),
    ]
