"""Keep the figures of a complete cancel. Rows come when a report comes after it: those of now stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0028_removed_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='CompletedCancel',
            fields=[
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='completed_cancel', serialize=False, to='messenger_logs.sentmessage')),
                ('left', models.IntegerField()),
                ('hung_up', models.IntegerField()),
                ('never_started', models.IntegerField()),
                ('not_tried', models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='delivery',
            name='cancel_figure',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=16),
        ),
    ]
