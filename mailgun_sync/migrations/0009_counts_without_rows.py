"""The events of a day are counted from an index alone.

The two indexes are built again, a second or two for each million events; meanwhile no sync stores any. An index answers
alone only for the parts of a table that were vacuumed. PostgreSQL waits with that until a fifth of a table is new, which
is a week of events. Here it waits for as many as the log shows of a day.
"""

from django.db import migrations, models
from django.db.models import Q

VACUUM_OFTEN = """
ALTER TABLE mailgun_sync_mailgunevent
SET (autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0)
"""
AS_USUAL = """
ALTER TABLE mailgun_sync_mailgunevent
RESET (autovacuum_vacuum_insert_threshold, autovacuum_vacuum_insert_scale_factor)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mailgun_sync', '0008_events_of_every_email'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='mailgunevent', name='mailgun_event_time'),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(fields=['occurred_at', 'id'], include=('event',), name='mailgun_event_time'),
        ),
        migrations.RemoveIndex(model_name='mailgunevent', name='mailgun_event_sender'),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(condition=Q(('sender__isnull', False)), fields=['sender', 'occurred_at', 'id'], include=('event',), name='mailgun_event_sender'),
        ),
        migrations.RunSQL(VACUUM_OFTEN, AS_USUAL),
    ]
