"""The school of each event, by which rights are held, and the indexes that count and page by it.

PostgreSQL builds three indexes: about a minute for 5 million events. migrate calls manage.py link_events at its end,
which gives the events that are here their schools, in small steps.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# An event has the school of its delivery, also if that gets another one later.
KEEP = """
CREATE FUNCTION mailgun_sync_new_school_of_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mailgun_sync_mailgunevent SET school_id = NEW.school_id WHERE delivery_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER mailgun_sync_new_school AFTER UPDATE ON messenger_logs_delivery
    FOR EACH ROW WHEN (OLD.school_id IS DISTINCT FROM NEW.school_id)
    EXECUTE FUNCTION mailgun_sync_new_school_of_delivery();
"""
FORGET = """
DROP TRIGGER mailgun_sync_new_school ON messenger_logs_delivery;
DROP FUNCTION mailgun_sync_new_school_of_delivery;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mailgun_sync', '0012_suppressions'),
        ('messenger_logs', '0025_rights_by_school'),
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
        migrations.RunSQL(KEEP, FORGET),
    ]
