"""The school of each event, by which rights are held, and the indexes that count and page by it.

PostgreSQL builds three indexes: about a minute for 5 million events. migrate calls manage.py link_events at its end,
which gives the events that are here their schools, in small steps.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailgun_sync', '0012_suppressions'),
        ('messenger_logs', '0024_foreign_keys_at_once'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='mailgunevent',
            name='mailgun_event_time',
        ),
        migrations.RemoveIndex(
            model_name='mailgunevent',
            name='mailgun_event_rare_kind',
        ),
        migrations.AddField(
            model_name='mailgunevent',
            name='school',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school'),
        ),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(fields=['occurred_at', 'id'], include=('event', 'kind', 'mailbox_provider', 'subject_key', 'sent_message', 'sender', 'domain', 'school'), name='mailgun_event_time'),
        ),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(condition=models.Q(('school__isnull', False)), fields=['school', 'occurred_at', 'id'], include=('event', 'kind', 'mailbox_provider', 'subject_key', 'sent_message'), name='mailgun_event_school'),
        ),
        migrations.AddIndex(
            model_name='mailgunevent',
            index=models.Index(condition=models.Q(('kind__in', ['accepted', 'delivered']), _negated=True), fields=['kind', 'occurred_at', 'id'], include=('reason_text', 'mailbox_provider', 'subject_key', 'sent_message', 'sender', 'school'), name='mailgun_event_rare_kind'),
        ),
    ]
