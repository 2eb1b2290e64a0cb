from django.db import migrations, models

# A message without any people waited for ever, because there was nothing to send.
NO_RECIPIENTS = """
UPDATE messenger_logs_sentmessage AS message SET status = 'no_recipients'
WHERE status IN ('waiting', 'in_progress') AND cancel_asked_at IS NULL
    AND NOT EXISTS (SELECT FROM messenger_logs_recipient AS r WHERE r.message_id = message.id)
"""

# A confirmed call that was imported had lost the detail of its code. This reads the whole table once, and writes few rows.
CONFIRMED = """
UPDATE {table} AS call SET detail = code.detail
FROM (VALUES
    (5, 'Live person detected'), (6, 'Voicemail detected'), (7, 'Fax detected'), (8, 'Answered - Unknown'),
    (13, 'Answered - Unknown')
) AS code (number, detail)
WHERE call.status = 'confirmed' AND call.detail = '' AND call.code = code.number
"""


REFUSED = """
UPDATE messenger_logs_messagemodetotals AS kept SET refused = counted.n
FROM (
    SELECT message_id, count(*) AS n FROM messenger_logs_delivery
    WHERE mode = 'email' AND status = 'sent' AND email_outcome IN ('failed', 'failed-permanent', 'rejected', 'suppressed')
        AND NOT duplicate
    GROUP BY message_id
) AS counted
WHERE kept.message_id = counted.message_id AND kept.mode = 'email'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0013_figures_of_a_cancel'),
    ]

    operations = [
        migrations.RunSQL(NO_RECIPIENTS, migrations.RunSQL.noop),
        migrations.RunSQL(CONFIRMED.format(table='messenger_logs_delivery'), migrations.RunSQL.noop),
        migrations.RunSQL(CONFIRMED.format(table='messenger_logs_deviceattempt'), migrations.RunSQL.noop),
        # A partial index of few rows; the table is read once for it.
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('email_outcome__in', ['failed', 'failed-permanent', 'rejected', 'suppressed']), ('mode', 'email'), ('status', 'sent'), ('duplicate', False)), fields=['message'], name='delivery_refused'),
        ),
        migrations.AddField(
            model_name='messagemodetotals',
            name='refused',
            field=models.IntegerField(db_default=0, default=0, help_text='part of the success: e-mails that the provider could not deliver'),
        ),
        migrations.RunSQL(REFUSED, migrations.RunSQL.noop),
        # A help text: no statement for the database.
        migrations.AlterField(
            model_name='messagemodetotals',
            name='last_first_attempt_at',
            field=models.DateTimeField(blank=True, help_text='when the last person was first tried', null=True),
        ),
    ]
