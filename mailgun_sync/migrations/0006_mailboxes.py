"""A column for the canonical form of the addresses that have one of their own; searches compare it.

It stays empty here: manage.py link_events fills it, which migrate calls at its end. It takes one read of the table.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailgun_sync', '0005_signs_of_life_and_last_days'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipientaddress',
            name='mailbox',
            field=models.CharField(blank=True, db_default='', default='', max_length=512),
        ),
        migrations.AddIndex(
            model_name='recipientaddress',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('mailbox', ''), _negated=True), fields=['mailbox'], name='recipient_address_mailbox', opclasses=['gin_trgm_ops']),
        ),
    ]
