import django.contrib.postgres.indexes
from core.extensions import KeptUnaccentExtension
from django.db import migrations, models

import messenger_logs.search

# The extension's own function may follow the search path; this one names its dictionary, so its results never change.
CREATE = """
CREATE FUNCTION plain_letters(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN upper(unaccent('unaccent'::regdictionary, $1))
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0004_deliveries_in_order'),
    ]

    operations = [
        KeptUnaccentExtension(),
        migrations.RunSQL(CREATE, 'DROP FUNCTION plain_letters(text)'),
        migrations.RemoveIndex(
            model_name='recipient',
            name='recipient_name',
        ),
        migrations.AddField(
            model_name='recipient',
            name='plain_name',
            field=models.GeneratedField(db_persist=True, expression=messenger_logs.search.NormalizedText('name'), output_field=models.TextField()),
        ),
        migrations.AddField(
            model_name='recipient',
            name='plain_student_name',
            field=models.GeneratedField(db_persist=True, expression=messenger_logs.search.NormalizedText('student_name'), output_field=models.TextField()),
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=django.contrib.postgres.indexes.GinIndex(fields=['plain_name'], name='recipient_name', opclasses=['gin_trgm_ops']),
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(fields=['message', 'plain_name'], name='recipient_by_name'),
        ),
    ]
