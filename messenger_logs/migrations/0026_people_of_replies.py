"""The people of each reply by school, which decide who may read it; also those of the replies that are here."""

import django.db.models.deletion
from django.db import migrations, models

# The newest message to a person that names a school says which schools these are: see services/replies.py.
FILL = """
WITH known AS (
    SELECT DISTINCT reply.id AS reply_id, r.id, r.person_id, r.name, r.message_id, r.school_id
    FROM messenger_logs_reply AS reply
    JOIN messenger_logs_delivery AS d ON d.address = reply.number AND d.mode IN ('voice', 'text')
    JOIN messenger_logs_recipient AS r ON r.id = d.recipient_id AND r.school_id IS NOT NULL
), placed AS (
    SELECT *, rank() OVER (PARTITION BY reply_id, person_id ORDER BY message_id DESC) AS place FROM known
)
INSERT INTO messenger_logs_replyperson (reply_id, school_id, person_id, name)
SELECT DISTINCT ON (reply_id, person_id, school_id) reply_id, school_id, person_id, name
FROM placed WHERE place = 1 ORDER BY reply_id, person_id, school_id, id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0025_rights_by_school'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReplyPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_id', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=200)),
                ('reply', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='people', to='messenger_logs.reply')),
                ('school', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school')),
            ],
            options={
                'verbose_name_plural': 'reply people',
                'indexes': [models.Index(fields=['school', 'reply'], name='reply_person_school')],
                'constraints': [models.UniqueConstraint(fields=('reply', 'school', 'person_id'), name='reply_person_key')],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
