import django.contrib.postgres.indexes
import django.db.models.fields.json
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_chain_of_audit_events")]
    operations = [
        migrations.AddIndex(
            model_name="auditevent",
            index=django.contrib.postgres.indexes.HashIndex(
                django.db.models.fields.json.KeyTransform("person", "details"), name="audit_of_a_person"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.fields.json.KeyTransform("people", "details"), name="jsonb_path_ops"
                ),
                name="audit_of_people",
            ),
        ),
    ]
