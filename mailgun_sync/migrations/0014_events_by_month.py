"""The table of events gets a part for each month.

The table as it is becomes one part of the new table, with all events up to the end of this month, or of the next one on
the last day of a month. No row is written again, and the site runs meanwhile: what reads the whole table (one index,
one check) stops neither readers nor writers, and what stops them changes the catalog alone, in less than a second. It
waits half a second for a lock at most, and tries again. A migration that was ended half-way goes on when it is run
again.

The foreign keys are checked with each statement from now on, and not at the commit: see 0024 of messenger_logs.

Going back writes all events to one table again.
"""

import time
from datetime import timedelta

from django.db import OperationalError, migrations, transaction
from django.utils import timezone

EVENTS = 'mailgun_sync_mailgunevent'
NEW_KEY = f'{EVENTS}_month_key'
CHECK = f'{EVENTS}_until'
# Events of a time after that of the old table's part, until the new table takes them.
LATER = f'{EVENTS}_later'
# PostgreSQL vacuums a part when as many events are new as the log shows of a day: see 0009.
VACUUM_OFTEN = 'autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0'
LOCK_NOT_AVAILABLE, DEADLOCK = '55P03', '40P01'
ATTEMPTS = 120

# The role that runs the product owns no table, so functions of the owner make and drop months. They wait for a lock so
# shortly that nobody notices who waits behind them. To drop a part that is attached touches no other table; to detach
# it first would lock all tables that events refer to.
FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION mailgun_sync_same_rights(source regclass, target regclass) RETURNS void LANGUAGE plpgsql
    SET search_path = public, pg_temp AS $$
DECLARE granted record;
BEGIN
    FOR granted IN
        SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS role
        FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE c.oid = source AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s', granted.privilege_type, target, granted.role);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION mailgun_sync_make_month(first_day date) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '50ms' AS $$
DECLARE
    month text := '{EVENTS}_' || to_char(first_day, 'YYYY_MM');
    begins timestamptz := first_day;
    ends timestamptz := first_day + interval '1 month';
    named text;
BEGIN
    IF first_day IS NULL OR extract(day FROM first_day) <> 1
        OR first_day NOT BETWEEN '2000-01-01' AND now() + interval '10 years'
    THEN
        RAISE 'not the first day of a month that may be made: %', first_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('mailgun_sync.months'));
    IF to_regclass(month) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Many events that are here already stay where they are. Moving them would take too long.
    IF (SELECT count(*) FROM (
        SELECT FROM {EVENTS}_other WHERE occurred_at >= begins AND occurred_at < ends LIMIT 2001) AS few) > 2000
    THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I (LIKE {EVENTS} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING INDEXES)'
        ' WITH ({VACUUM_OFTEN})', month);
    EXECUTE format(
        'ALTER TABLE %I ADD CONSTRAINT in_month CHECK (occurred_at >= %L AND occurred_at < %L)', month, begins, ends);
    PERFORM mailgun_sync_same_rights('{EVENTS}', month::regclass);
    LOCK TABLE {EVENTS}_other IN ACCESS EXCLUSIVE MODE;
    SELECT string_agg(quote_ident(attname), ', ') INTO named
    FROM pg_attribute
    WHERE attrelid = '{EVENTS}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format(
        'WITH moved AS (DELETE FROM {EVENTS}_other WHERE occurred_at >= %L AND occurred_at < %L RETURNING %s)'
        ' INSERT INTO %I (%s) SELECT %s FROM moved', begins, ends, named, month, named, named);
    EXECUTE format('ALTER TABLE {EVENTS} ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', month, begins, ends);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT in_month', month);
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION mailgun_sync_drop_month(month text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE part regclass := to_regclass(quote_ident(month));
BEGIN
    IF NOT coalesce(month ~ '^{EVENTS}_(until_)?\\d{{4}}_\\d\\d$', false)
        OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = '{EVENTS}'::regclass AND inhrelid = part)
    THEN
        RAISE 'not a month of events: %', month USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT has_table_privilege(session_user, '{EVENTS}', 'DELETE') THEN
        RAISE 'permission denied to drop a month of events' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE %I', month);
END $$;
"""
NO_FUNCTIONS = """
DROP FUNCTION mailgun_sync_drop_month(text);
DROP FUNCTION mailgun_sync_make_month(date);
DROP FUNCTION mailgun_sync_same_rights(regclass, regclass);
"""


def move_over(apps, editor):
    with editor.connection.cursor() as cursor:
        if not is_by_month(cursor):
            Move(editor.connection, cursor).run()
        make_months(editor.connection, cursor)
        cursor.execute(f'ANALYZE {EVENTS}')


def make_months(connection, cursor):
    """The months of which Mailgun may have events, and the next three, but for those of the old table's part."""
    cursor.execute(f"""
        SELECT first::date FROM generate_series(
            date_trunc('month', now() AT TIME ZONE 'UTC' - interval '31 days'), now() AT TIME ZONE 'UTC' + interval '3 months',
            interval '1 month') AS first
        WHERE NOT EXISTS (
            SELECT FROM pg_inherits WHERE inhparent = '{EVENTS}'::regclass
                AND inhrelid::regclass::text > '{EVENTS}_until_' || to_char(first, 'YYYY_MM')
                AND inhrelid::regclass::text LIKE '{EVENTS}_until_%'
        ) ORDER BY first
    """)
    for (first,) in cursor.fetchall():
        shortly(connection, lambda first=first: cursor.execute('SELECT mailgun_sync_make_month(%s)', [first]))


def move_back(apps, editor):
    with editor.connection.cursor() as cursor:
        if is_by_month(cursor):
            with transaction.atomic(using=editor.connection.alias):
                MoveBack(editor.connection, cursor).run()


def is_by_month(cursor):
    cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [EVENTS])
    return cursor.fetchone()[0]


def shortly(connection, step):
    """Run a step in a transaction, again if it did not get its locks soon: nobody shall wait long behind it."""
    for left in reversed(range(1 if connection.in_atomic_block else ATTEMPTS)):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '500ms'")
                return step()
        except OperationalError as error:
            if not left or getattr(error.__cause__, 'pgcode', '') not in (LOCK_NOT_AVAILABLE, DEADLOCK):
                raise
        time.sleep(0.5)


def one(cursor, sql, *values):
    cursor.execute(sql, values)
    return cursor.fetchone()[0]


class Table:
    """What belongs to the table of events: indexes, keys, rights and the numbering of its rows."""

    def __init__(self, cursor):
        self.cursor = cursor
        cursor.execute(
            "SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid"
            " WHERE x.indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid)",
            [EVENTS],
        )
        self.indexes = dict(cursor.fetchall())
        cursor.execute(
            "SELECT contype, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f')",
            [EVENTS],
        )
        self.constraints = cursor.fetchall()
        self.sequence = one(cursor, 'SELECT pg_get_serial_sequence(%s, %s)', EVENTS, 'id')
        self.next_id = one(cursor, f'SELECT last_value + is_called::int FROM {self.sequence}')
        cursor.execute(
            "SELECT quote_ident(pg_get_userbyid(grantee)), privilege_type FROM pg_class, aclexplode(relacl)"
            " WHERE oid = %s::regclass AND grantee <> relowner AND grantee <> 0",
            [self.sequence],
        )
        self.sequence_rights = cursor.fetchall()
        self.columns = one(
            cursor,
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            EVENTS,
        )

    def rename_indexes(self, suffix):
        names = [*self.indexes, *(name for kind, name, _ in self.constraints if kind != 'f')]
        for name in names:
            self.cursor.execute(f'ALTER INDEX "{name}" RENAME TO "{name}_{suffix}"')

    def add(self, kinds):
        for kind, name, definition in self.constraints:
            if kind in kinds:
                self.cursor.execute(f'ALTER TABLE {EVENTS} ADD CONSTRAINT "{name}" {definition}')

    def check_keys(self, how):
        """Check the foreign keys at once, or at the commit."""
        for kind, name, _ in self.constraints:
            if kind == 'f':
                self.cursor.execute(f'ALTER TABLE {EVENTS} ALTER CONSTRAINT "{name}" {how}')

    def add_indexes(self):
        for definition in self.indexes.values():
            self.cursor.execute(definition.replace(' ON ONLY ', ' ON '))

    def give_rights(self, source):
        self.cursor.execute('SELECT mailgun_sync_same_rights(%s, %s)', [source, EVENTS])
        for role, right in self.sequence_rights:
            self.cursor.execute(f'GRANT {right} ON SEQUENCE {self.sequence} TO {role}')


class Move:
    """Makes the table that there is a part of one by month."""

    def __init__(self, connection, cursor):
        self.connection, self.cursor = connection, cursor
        # On the last day of a month its part goes to the end of the next, so that no event comes too late for it.
        soon = timezone.now() + timedelta(days=1)
        self.end = (soon.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
        self.part = f'{EVENTS}_until_{self.end:%Y_%m}'

    def run(self):
        # A session that is in a transaction cannot build an index beside the others: only tests are.
        beside = '' if self.connection.in_atomic_block else 'CONCURRENTLY'
        self.cursor.execute(f'DROP INDEX {beside} IF EXISTS {NEW_KEY}')
        self.cursor.execute(f'CREATE UNIQUE INDEX {beside} {NEW_KEY} ON {EVENTS} (id, occurred_at)')
        shortly(self.connection, self.set_end)
        self.cursor.execute(f'ALTER TABLE {EVENTS} VALIDATE CONSTRAINT {CHECK}')
        shortly(self.connection, self.switch)

    def set_end(self):
        """Let the table take nothing that its part would not. Put what it has of later times aside."""
        self.cursor.execute(f'ALTER TABLE {EVENTS} DROP CONSTRAINT IF EXISTS {CHECK}')
        self.cursor.execute(f'CREATE TABLE IF NOT EXISTS {LATER} (LIKE {EVENTS})')
        self.cursor.execute(
            f'WITH moved AS (DELETE FROM {EVENTS} WHERE occurred_at >= %s RETURNING *)'
            f' INSERT INTO {LATER} SELECT * FROM moved',
            [self.end],
        )
        self.cursor.execute(
            f'ALTER TABLE {EVENTS} ADD CONSTRAINT {CHECK} CHECK (occurred_at < %s) NOT VALID', [self.end]
        )

    def switch(self):
        """Everything that others wait for. It reads no row but those of later times."""
        execute = self.cursor.execute
        execute(f'LOCK TABLE {EVENTS} IN ACCESS EXCLUSIVE MODE')
        Table(self.cursor).check_keys('NOT DEFERRABLE')
        old = Table(self.cursor)
        old.indexes.pop(NEW_KEY)
        execute(f'ALTER TABLE {EVENTS} ALTER COLUMN id DROP IDENTITY')
        execute(f'ALTER TABLE {EVENTS} DROP CONSTRAINT {EVENTS}_pkey')
        execute(f'ALTER TABLE {EVENTS} ADD CONSTRAINT {EVENTS}_pkey PRIMARY KEY USING INDEX {NEW_KEY}')
        old.rename_indexes(f'until_{self.end:%Y_%m}')
        execute(f'ALTER TABLE {EVENTS} RENAME TO {self.part}')
        execute(
            f'CREATE TABLE {EVENTS} (LIKE {self.part} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)'
            f' PARTITION BY RANGE (occurred_at)'
        )
        self.number_rows(old)
        execute(f'ALTER TABLE {EVENTS} ADD CONSTRAINT {EVENTS}_pkey PRIMARY KEY (id, occurred_at)')
        old.add('uf')
        old.add_indexes()
        old.give_rights(self.part)
        self.attach(old)

    def number_rows(self, old):
        self.cursor.execute(f'CREATE SEQUENCE {old.sequence} START WITH {old.next_id} OWNED BY {EVENTS}.id')
        for table in (EVENTS, self.part):
            self.cursor.execute(
                f"ALTER TABLE {table} ALTER COLUMN id SET DEFAULT nextval('{old.sequence}'::regclass)"
            )

    def attach(self, old):
        execute = self.cursor.execute
        if one(self.cursor, f'SELECT EXISTS (SELECT FROM {self.part})'):
            execute(
                f'ALTER TABLE {EVENTS} ATTACH PARTITION {self.part} FOR VALUES FROM (MINVALUE) TO (%s)', [self.end]
            )
            execute(f'ALTER TABLE {self.part} DROP CONSTRAINT {CHECK}')
        else:
            execute(f'DROP TABLE {self.part}')
        execute(f'CREATE TABLE {EVENTS}_other PARTITION OF {EVENTS} DEFAULT WITH ({VACUUM_OFTEN})')
        execute(f"SELECT mailgun_sync_same_rights('{EVENTS}', '{EVENTS}_other')")
        execute(f'INSERT INTO {EVENTS} ({old.columns}) SELECT {old.columns} FROM {LATER}')
        execute(f'DROP TABLE {LATER}')
        execute('SET CONSTRAINTS ALL IMMEDIATE')


class MoveBack:
    """Writes all events to one table."""

    def __init__(self, connection, cursor):
        self.cursor = cursor

    def run(self):
        execute, months = self.cursor.execute, f'{EVENTS}_months'
        execute(f'LOCK TABLE {EVENTS} IN ACCESS EXCLUSIVE MODE')
        old = Table(self.cursor)
        old.rename_indexes('months')
        execute(f'ALTER TABLE {EVENTS} RENAME TO {months}')
        execute(f'CREATE TABLE {EVENTS} (LIKE {months} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)')
        execute(f'ALTER TABLE {EVENTS} SET ({VACUUM_OFTEN})')
        execute(f'INSERT INTO {EVENTS} ({old.columns}) SELECT {old.columns} FROM {months}')
        execute(f'ALTER TABLE {EVENTS} ADD CONSTRAINT {EVENTS}_pkey PRIMARY KEY (id)')
        old.add('u')
        old.add_indexes()
        execute(f'ALTER TABLE {EVENTS} ALTER COLUMN id DROP DEFAULT')
        execute('SELECT mailgun_sync_same_rights(%s, %s)', [months, EVENTS])
        execute(f'DROP TABLE {months}')
        old.add('f')
        old.check_keys('DEFERRABLE INITIALLY DEFERRED')
        execute(
            f'ALTER TABLE {EVENTS} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (START WITH {old.next_id})'
        )
        for role, right in old.sequence_rights:
            execute(f'GRANT {right} ON SEQUENCE {old.sequence} TO {role}')


class Migration(migrations.Migration):
    # Each step is a transaction of its own, so that none holds a lock while another reads the table.
    atomic = False
    # manage.py link_events has nothing to do after it: see mailgun_sync/apps.py.
    keeps_links = True

    dependencies = [
        ('mailgun_sync', '0013_school_of_an_event'),
    ]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunPython(move_over, move_back),
    ]
