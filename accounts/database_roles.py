"""The two roles in PostgreSQL: one owns the tables and migrates, the other runs the product.

The running role reads and writes rows. It is no superuser and owns nothing, so a program that somebody has taken over
cannot switch off what keeps the audit trail append-only. DATABASE_URL names it, MIGRATION_DATABASE_URL the owner.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg2.extensions import encrypt_password
from psycopg2.sql import SQL, Composable, Identifier, Literal

from accounts.models import AuditEvent, AuditLink, AuditWaiting

_OF_A_ROLE = ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
# Every right on rows of the schema, and no other.
_RIGHTS = """
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
"""
# A bulk load ends with ANALYZE, which is a right of its own from this version on. Earlier, only owners have it.
_MAINTAIN = "GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {role};"
_MAINTAIN_SINCE = 17_00_00
_FEWER_RIGHTS = "REVOKE ALL ON {table} FROM {role}; GRANT {rights} ON {table} TO {role};"
# MAINTAIN would include LOCK TABLE, with which a program could hold up everybody who records an event.
_FEWER = {
    AuditEvent._meta.db_table: "SELECT, INSERT",
    # Functions of the owner write these two.
    AuditLink._meta.db_table: "SELECT",
    AuditWaiting._meta.db_table: "SELECT",
    "django_migrations": "SELECT",
}


@contextmanager
def as_owner() -> Iterator[None]:
    """Run as the role of MIGRATION_DATABASE_URL, without time limits. In a transaction, the role stays as it is."""
    if connection.in_atomic_block:
        yield
        return
    usual = {name: connection.settings_dict[name] for name in _OF_A_ROLE}
    connection.close()
    connection.settings_dict.update({name: _owner(name) for name in _OF_A_ROLE})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(usual)


def give_rights(*, role: str, password: str) -> None:
    """Make the running role if it is missing, and give it its rights. The owner does this after each migration.

    An installation with one role for everything stays as it is.
    """
    if role == _owner("USER"):
        return
    with transaction.atomic(), connection.cursor() as cursor:
        _make_role(cursor, role, password)
        names: dict[str, Composable] = {
            "database": Identifier(connection.settings_dict["NAME"]),
            "role": Identifier(role),
        }
        server = connection.connection.server_version
        cursor.execute(SQL(_RIGHTS + (_MAINTAIN if server >= _MAINTAIN_SINCE else "")).format(**names))
        # While `migrate` is at work in an empty database, or takes everything back, some tables are missing.
        for table in _FEWER.keys() & connection.introspection.table_names(cursor):
            names |= {"table": Identifier(table), "rights": SQL(_FEWER[table])}
            cursor.execute(SQL(_FEWER_RIGHTS).format(**names))


def _make_role(cursor: CursorWrapper, name: str, password: str) -> None:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
    if cursor.rowcount:
        return
    role = SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(Identifier(name))
    if password:
        # The server's log gets no password: it is encrypted here.
        encrypted = encrypt_password(password, name, connection.connection, "scram-sha-256")
        role += SQL(" PASSWORD {}").format(Literal(encrypted))
    cursor.execute(role)


def _owner(part: str) -> object:
    return settings.MIGRATION_DATABASE.get(part, {} if part == "OPTIONS" else "")
