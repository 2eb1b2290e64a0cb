from django.db import migrations, models

# Reads the index delivery_totals alone, once. What was canceled after it left was counted for calls only.
COUNT = """
UPDATE messenger_logs_messagemodetotals AS kept SET hung_up = counted.n
FROM (
    SELECT message_id, mode, count(*) AS n
    FROM messenger_logs_delivery
    WHERE outcome = 'canceled' AND attempt_count > 0 AND mode <> 'voice'
        AND NOT duplicate AND status NOT IN ('no_device', 'duplicate')
    GROUP BY message_id, mode
) AS counted
WHERE kept.message_id = counted.message_id AND kept.mode = counted.mode
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0016_reply'),
    ]

    operations = [
        migrations.AlterField(
            model_name='messagemodetotals',
            name='hung_up',
            field=models.IntegerField(db_default=0, default=0, help_text='part of the canceled: the provider had them'),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
