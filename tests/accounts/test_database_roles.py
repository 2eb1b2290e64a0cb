"""The role that runs the product may do what the product does, and can neither change nor remove audit events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from psycopg2.errors import InsufficientPrivilege

from accounts.audit_chain import chain_events, verify
from accounts.database_roles import as_owner, give_rights
from accounts.models import AuditEvent, AuditLink, AuditWaiting, User
from accounts.services import record_audit_event

pytestmark = pytest.mark.django_db

ROLE = "messenger_logs_test_app"
OWNER = settings.DATABASES["default"]["USER"]

REFUSED = [
    "UPDATE accounts_auditevent SET who = 'somebody else'",
    "DELETE FROM accounts_auditevent",
    "TRUNCATE accounts_auditevent",
    "INSERT INTO accounts_auditevent SELECT * FROM accounts_auditevent ON CONFLICT (id) DO UPDATE SET who = ''",
    "SELECT FROM accounts_auditevent FOR UPDATE",
    "ALTER TABLE accounts_auditevent DISABLE TRIGGER ALL",
    "ALTER TABLE accounts_auditevent DISABLE TRIGGER accounts_auditevent_no_change",
    f"ALTER TABLE accounts_auditevent OWNER TO {ROLE}",
    "ALTER TABLE accounts_auditevent RENAME TO gone",
    "ALTER TABLE accounts_auditevent DROP COLUMN who",
    "DROP TABLE accounts_auditevent",
    "DROP TRIGGER accounts_auditevent_no_change ON accounts_auditevent",
    "CREATE RULE silent AS ON INSERT TO accounts_auditevent DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION accounts_auditevent_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "SET session_replication_role = replica",
    f"ALTER ROLE {ROLE} SUPERUSER",
    f"GRANT {OWNER} TO {ROLE}",
    f"SET ROLE {OWNER}",
    "CREATE TABLE of_my_own (id int)",
    "COPY accounts_auditevent TO PROGRAM 'cat'",
    "SELECT setval(pg_get_serial_sequence('accounts_auditevent', 'id'), 1)",
    "INSERT INTO accounts_auditlink (number, event_id, hash) VALUES (1, 1, '')",
    "DELETE FROM accounts_auditlink",
    "DELETE FROM accounts_auditwaiting",
    "UPDATE accounts_auditwaiting SET stored_at = NULL",
    "ALTER TABLE accounts_auditevent DISABLE TRIGGER accounts_auditevent_waits",
    "DROP FUNCTION accounts_chain_audit(integer)",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '0099_never', now())",
    "DELETE FROM django_migrations",
]


@pytest.fixture
def running_role(db: None) -> None:
    give_rights(role=ROLE, password="not used here")


@contextmanager
def as_running_role() -> Iterator[None]:
    """Everything in this context is done by that role, as if it had signed in. No test needs a session of its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL SESSION AUTHORIZATION {ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")


@pytest.mark.parametrize("statement", REFUSED)
def test_the_running_role_cannot_get_around_the_audit_trail(running_role: None, statement: str) -> None:
    record_audit_event(by=None, action="test.happened")
    with as_running_role():
        with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert isinstance(refused.value.__cause__, InsufficientPrivilege)
        assert AuditEvent.objects.get().action == "test.happened"


def test_the_running_role_chains_events_and_checks_the_chain(running_role: None) -> None:
    with as_running_role():
        record_audit_event(by=None, action="test.happened")
        assert chain_events() == 1
        assert verify().first is None


def test_the_running_role_cannot_give_itself_rights(running_role: None) -> None:
    with as_running_role(), connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON accounts_auditevent TO {ROLE}")  # PostgreSQL only warns that this does nothing
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("UPDATE accounts_auditevent SET who = 'somebody else'")


def test_the_running_role_reads_and_writes_everything_else(running_role: None, make_user: Callable[..., User]) -> None:
    with as_running_role():
        user = make_user(username="dexter")
        record_audit_event(by=user, action="test.happened")
        User.objects.update(first_name="Dexter")
        user.delete()

        assert AuditEvent.objects.get().who_id
        assert not User.objects.exists()


def test_the_running_role_has_these_rights_on_every_table_and_no_other(running_role: None) -> None:
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES", "MAINTAIN")
    audit, migrations = AuditEvent._meta.db_table, "django_migrations"
    chain = {AuditLink._meta.db_table, AuditWaiting._meta.db_table}
    tables = set(connection.introspection.table_names()) - {audit, migrations, *chain}
    with connection.cursor() as cursor:

        def rights(table: str) -> set[str]:
            cursor.execute(
                "SELECT kind FROM unnest(%s) kind WHERE has_table_privilege(%s, %s, kind)",
                [
                    list(kinds),
                    ROLE,
                    f"public.{table}",
                ],
            )
            return {kind for (kind,) in cursor.fetchall()}

        assert rights(audit) == {"SELECT", "INSERT"}
        assert [rights(table) for table in (migrations, *chain)] == [{"SELECT"}] * 3
        everywhere = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MAINTAIN"})
        assert {frozenset(rights(table)) for table in tables} == {everywhere}


@pytest.mark.parametrize(
    "missing", ["accounts_auditevent", "django_migrations", "accounts_auditevent, django_migrations"]
)
def test_rights_are_given_on_the_tables_that_there_are(missing: str) -> None:
    """As after `migrate accounts zero`, or where `migrate contenttypes` began with an empty database."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {missing} CASCADE")
        give_rights(role=ROLE, password="")
        cursor.execute("SELECT has_table_privilege(%s, 'django_content_type', 'UPDATE')", [ROLE])
        assert cursor.fetchone() == (True,)


def test_nobody_but_the_owner_makes_tables(running_role: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")  # as in a database of an older PostgreSQL
        give_rights(role=ROLE, password="")
        cursor.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [ROLE])
        assert cursor.fetchone() == (False,)


def test_the_rights_may_be_given_again(running_role: None) -> None:
    give_rights(role=ROLE, password="another one")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls "
            "FROM pg_roles WHERE rolname = %s",
            [ROLE],
        )
        assert cursor.fetchone() == (False,)


def test_one_role_for_everything_stays_as_it_is() -> None:
    with connection.cursor() as cursor:
        before = _acl(cursor)
        give_rights(role=OWNER, password="")
        assert _acl(cursor) == before


def _acl(cursor: object) -> object:
    cursor.execute("SELECT relacl FROM pg_class WHERE relname = 'accounts_auditevent'")
    return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
class TestMigrating:
    def limit(self) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')")
            return str(cursor.fetchone()[0])

    @pytest.mark.slow
    def test_the_owner_has_no_time_limits_and_the_running_role_has(self) -> None:
        assert self.limit() == "10min 1min"
        with as_owner():
            assert self.limit() == "0 0"
        assert self.limit() == "10min 1min"

    @pytest.mark.slow
    @pytest.mark.parametrize("option", ["plan", "check_unapplied"])
    def test_a_look_at_the_migrations_changes_nothing(self, option: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(settings.DATABASES["default"], "USER", ROLE)
            call_command("migrate", verbosity=0, **{option: True})
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE])
            assert cursor.rowcount == 0

    @pytest.mark.slow
    def test_migrate_gives_the_role_of_the_address_its_rights(self) -> None:
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(settings.DATABASES["default"], "USER", ROLE)
                call_command("migrate", verbosity=0)
            with connection.cursor() as cursor:
                cursor.execute("SELECT has_table_privilege(%s, 'accounts_auditevent', 'INSERT')", [ROLE])
                assert cursor.fetchone() == (True,)
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
