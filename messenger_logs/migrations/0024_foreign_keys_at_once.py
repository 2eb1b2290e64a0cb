"""Check the foreign keys of what comes in bulk with each statement, and not at the commit.

A deferred key is checked at the commit, one row after the other: after a million rows the commit takes minutes, and
PostgreSQL keeps a note of each row in memory until then. The services write parents before children, so nothing has to
wait. This changes the catalog alone and reads no rows.
"""

from django.db import migrations

TABLES = (
    'messenger_logs_recipient', 'messenger_logs_delivery', 'messenger_logs_deviceattempt', 'messenger_logs_personreach'
)
SQL = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conrelid::regclass AS of, conname FROM pg_constraint
        WHERE contype = 'f' AND conrelid::regclass::text = ANY(ARRAY[{tables}])
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I {how}', key.of, key.conname);
    END LOOP;
END $$
"""


def sql(how):
    return SQL.format(tables=', '.join(f"'{table}'" for table in TABLES), how=how)


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_logs', '0023_students_are_found'),
    ]

    operations = [
        migrations.RunSQL(sql('NOT DEFERRABLE'), sql('DEFERRABLE INITIALLY DEFERRED')),
    ]
