from django.db import migrations, models

# Reads the index delivery_totals alone, once: about a second for a million deliveries that were not successful.
COUNT = """
UPDATE messenger_logs_messagemodetotals AS kept SET hung_up = counted.hung_up, untried = counted.untried
FROM (
    SELECT message_id, mode,
        count(*) FILTER (WHERE outcome = 'canceled' AND mode = 'voice' AND attempt_count > 0) AS hung_up,
        count(*) FILTER (WHERE outcome <> 'canceled' AND attempt_count = 0) AS untried
    FROM messenger_logs_delivery
    WHERE outcome IN ('canceled', 'not_attempted', 'error') AND NOT duplicate AND status NOT IN ('no_device', 'duplicate')
    GROUP BY message_id, mode
) AS counted
WHERE kept.message_id = counted.message_id AND kept.mode = counted.mode AND counted.hung_up + counted.untried > 0
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0012_claims_of_deliveries'),
    ]

    operations = [
        migrations.AddField(
            model_name='messagemodetotals',
            name='hung_up',
            field=models.IntegerField(db_default=0, default=0, help_text='part of the canceled: the call had begun'),
        ),
        migrations.AddField(
            model_name='messagemodetotals',
            name='untried',
            field=models.IntegerField(db_default=0, default=0, help_text='the not attempted and the errors for which nothing was tried'),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
