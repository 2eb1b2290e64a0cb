from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0011_attempt_counts'),
    ]

    operations = [
        # PostgreSQL adds an empty column without touching a row. A claim that is open during the update is released by
        # recovery, as that of a worker that died.
        migrations.AddField(
            model_name='delivery',
            name='claim',
            field=models.UUIDField(blank=True, help_text='of the dispatcher, until the hand-over begins', null=True),
        ),
    ]
