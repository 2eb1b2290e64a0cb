"""The address as it was given. Existing rows get theirs, and the canonical form, by manage.py canonical_addresses."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0014_truer_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='given_address',
            field=models.CharField(blank=True, db_default='', default='', max_length=320),
        ),
    ]
