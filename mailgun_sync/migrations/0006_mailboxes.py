"""The canonical form of the addresses that have one of their own; searches compare it.

Few addresses have one: those that are not ASCII, or whose domain begins with xn--. It takes one read of the table.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import Q

BATCH = 1_000


def fill(apps, schema_editor):
    from messenger_logs.services.addresses import is_plain, mailbox

    addresses = apps.get_model('mailgun_sync', 'RecipientAddress').objects
    odd = addresses.filter(Q(address__regex='[^ -~]|[.>]$') | Q(address__icontains='xn--')).only('address')
    batch = []
    for row in odd.iterator(chunk_size=BATCH):
        if not is_plain(row.address):
            row.mailbox = mailbox(row.address)[:512]
            batch.append(row)
    addresses.bulk_update(batch, ['mailbox'], batch_size=BATCH)


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
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='recipientaddress',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('mailbox', ''), _negated=True), fields=['mailbox'], name='recipient_address_mailbox', opclasses=['gin_trgm_ops']),
        ),
    ]
