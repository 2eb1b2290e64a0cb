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
from psycopg2.sql import SQL, Identifier, Literal

from accounts.models import AuditEvent

_OF_A_ROLE = ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
# Every right on rows of the schema, and no other. Rights on the audit trail and on the list of migrations are fewer.
_RIGHTS = """
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE ALL ON {audit}, django_migrations FROM {role};
GRANT SELECT, INSERT ON {audit} TO {role};
GRANT SELECT ON django_migrations TO {role};
"""


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
        cursor.execute(
            SQL(_RIGHTS).format(
                database=Identifier(connection.settings_dict["NAME"]),
                role=Identifier(role),
                audit=Identifier(AuditEvent._meta.db_table),
            )
        )


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
