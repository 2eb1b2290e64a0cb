"""The schools whose people see a message, a recipient, a delivery. PostgreSQL keeps them from here on.

A row that named another school than its recipient would show a family to people of that school. So nothing that writes
recipients, deliveries or calendars has to think of it.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


FILL = """
UPDATE messenger_logs_recipient AS recipient SET school_id = coalesce(recipient.student_school_id, message.school_id)
FROM messenger_logs_sentmessage AS message
WHERE message.id = recipient.message_id AND coalesce(recipient.student_school_id, message.school_id) IS NOT NULL;

UPDATE messenger_logs_delivery AS delivery SET school_id = recipient.school_id
FROM messenger_logs_recipient AS recipient
WHERE recipient.id = delivery.recipient_id AND recipient.school_id IS NOT NULL;

UPDATE messenger_logs_sentmessage AS message SET calendar_schools = found.schools
FROM (
    SELECT of_message.sentmessage_id AS id, array_agg(DISTINCT calendar.school_id ORDER BY calendar.school_id) AS schools
    FROM messenger_logs_sentmessage_calendars AS of_message
    JOIN messenger_logs_calendar AS calendar ON calendar.id = of_message.calendar_id
    GROUP BY 1
) AS found
WHERE found.id = message.id;
"""
# The functions look up one row each. A plan that was made for a small table would read all of a large one.
KEEP = """
CREATE FUNCTION messenger_logs_school_of_recipient() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    NEW.school_id := coalesce(
        NEW.student_school_id, (SELECT school_id FROM messenger_logs_sentmessage WHERE id = NEW.message_id)
    );
    RETURN NEW;
END $$;

CREATE FUNCTION messenger_logs_school_of_delivery() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    NEW.school_id := (SELECT school_id FROM messenger_logs_recipient WHERE id = NEW.recipient_id);
    RETURN NEW;
END $$;

CREATE FUNCTION messenger_logs_new_school_of_recipient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE messenger_logs_delivery SET school_id = NEW.school_id WHERE recipient_id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION messenger_logs_new_school_of_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE messenger_logs_recipient SET school_id = NEW.school_id
    WHERE message_id = NEW.id AND student_school_id IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION messenger_logs_schools_of_calendars(bigint) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(DISTINCT calendar.school_id ORDER BY calendar.school_id), '{}')
    FROM messenger_logs_sentmessage_calendars AS of_message
    JOIN messenger_logs_calendar AS calendar ON calendar.id = of_message.calendar_id
    WHERE of_message.sentmessage_id = $1
$$;

CREATE FUNCTION messenger_logs_new_calendar_of_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE messenger_logs_sentmessage SET calendar_schools = messenger_logs_schools_of_calendars(id)
    WHERE id IN (NEW.sentmessage_id, OLD.sentmessage_id);
    RETURN NULL;
END $$;

CREATE FUNCTION messenger_logs_new_school_of_calendar() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE messenger_logs_sentmessage SET calendar_schools = messenger_logs_schools_of_calendars(id)
    WHERE id IN (SELECT sentmessage_id FROM messenger_logs_sentmessage_calendars WHERE calendar_id = NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER messenger_logs_school BEFORE INSERT OR UPDATE OF message_id, student_school_id, school_id
    ON messenger_logs_recipient FOR EACH ROW EXECUTE FUNCTION messenger_logs_school_of_recipient();
CREATE TRIGGER messenger_logs_school BEFORE INSERT OR UPDATE OF recipient_id, school_id
    ON messenger_logs_delivery FOR EACH ROW EXECUTE FUNCTION messenger_logs_school_of_delivery();
CREATE TRIGGER messenger_logs_new_school AFTER UPDATE ON messenger_logs_recipient
    FOR EACH ROW WHEN (OLD.school_id IS DISTINCT FROM NEW.school_id)
    EXECUTE FUNCTION messenger_logs_new_school_of_recipient();
CREATE TRIGGER messenger_logs_new_school AFTER UPDATE ON messenger_logs_sentmessage
    FOR EACH ROW WHEN (OLD.school_id IS DISTINCT FROM NEW.school_id)
    EXECUTE FUNCTION messenger_logs_new_school_of_message();
CREATE TRIGGER messenger_logs_new_calendar AFTER INSERT OR UPDATE OR DELETE ON messenger_logs_sentmessage_calendars
    FOR EACH ROW EXECUTE FUNCTION messenger_logs_new_calendar_of_message();
CREATE TRIGGER messenger_logs_new_school AFTER UPDATE ON messenger_logs_calendar
    FOR EACH ROW WHEN (OLD.school_id IS DISTINCT FROM NEW.school_id)
    EXECUTE FUNCTION messenger_logs_new_school_of_calendar();
"""
FORGET = """
DROP TRIGGER messenger_logs_school ON messenger_logs_recipient;
DROP TRIGGER messenger_logs_school ON messenger_logs_delivery;
DROP TRIGGER messenger_logs_new_school ON messenger_logs_recipient;
DROP TRIGGER messenger_logs_new_school ON messenger_logs_sentmessage;
DROP TRIGGER messenger_logs_new_calendar ON messenger_logs_sentmessage_calendars;
DROP TRIGGER messenger_logs_new_school ON messenger_logs_calendar;
DROP FUNCTION messenger_logs_school_of_recipient, messenger_logs_school_of_delivery,
    messenger_logs_new_school_of_recipient, messenger_logs_new_school_of_message,
    messenger_logs_new_calendar_of_message, messenger_logs_new_school_of_calendar, messenger_logs_schools_of_calendars;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0024_foreign_keys_at_once'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_by_status',
        ),
        migrations.RemoveIndex(
            model_name='recipient',
            name='recipient_by_name',
        ),
        migrations.AddField(
            model_name='delivery',
            name='school',
            field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, help_text='whose people see the row', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school'),
        ),
        migrations.AddField(
            model_name='recipient',
            name='school',
            field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, help_text='whose people see the row', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_logs.school'),
        ),
        migrations.AddField(
            model_name='sentmessage',
            name='calendar_schools',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[], default=list, editable=False, help_text='the schools of its calendars', size=None),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP, FORGET),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['message', 'status', 'id', 'school'], name='delivery_by_status'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['message', 'school', 'id'], name='delivery_of_school'),
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(fields=['message', 'plain_name', 'school'], name='recipient_by_name'),
        ),
    ]
