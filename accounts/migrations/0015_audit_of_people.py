import django.contrib.postgres.indexes
import django.db.models.fields.json
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    # Pages go on to add events while the indexes are built.
    atomic = False

    dependencies = [("accounts", "0014_chain_of_audit_events")]
    operations = [
        AddIndexConcurrently(
            model_name="auditevent",
            index=django.contrib.postgres.indexes.HashIndex(
                django.db.models.fields.json.KeyTransform("person", "details"), name="audit_of_a_person"
            ),
        ),
        AddIndexConcurrently(
            model_name="auditevent",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.fields.json.KeyTransform("people", "details"), name="jsonb_path_ops"
                ),
                name="audit_of_people",
            ),
        ),
    ]
