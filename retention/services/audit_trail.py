"""The audit trail is append-only: only the owner of its table can let old rows go."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import ProgrammingError, connection, transaction

from accounts.database_roles import as_owner
from accounts.models import AuditEvent

log = structlog.get_logger(__name__)

_TABLE = AuditEvent._meta.db_table
_TRIGGER = "accounts_auditevent_no_change"
_REMOVE = f"""
DELETE FROM {_TABLE} WHERE id IN (
    SELECT id FROM {_TABLE} WHERE occurred_at < %s ORDER BY occurred_at, id LIMIT %s)
"""  # noqa: S608  (table names only)


def remove_old(*, before: datetime, batch: int) -> int:
    """Remove the oldest rows from before a moment. Returns how many; 0 also where this process may not.

    The trigger that refuses it is off within this transaction alone, which nobody but the owner can do.
    """
    if not AuditEvent.objects.filter(occurred_at__lt=before).exists():
        return 0
    with as_owner():
        try:
            return _remove(before, batch)
        except ProgrammingError:
            log.warning("audit_trail.kept", reason="only the owner of the database can remove rows")
            return 0


@transaction.atomic
def _remove(before: datetime, batch: int) -> int:
    with connection.cursor() as cursor:
        # Those who record an event wait for this short transaction.
        cursor.execute(f"SET LOCAL lock_timeout = '1s'; ALTER TABLE {_TABLE} DISABLE TRIGGER {_TRIGGER}")
        cursor.execute(_REMOVE, [before, batch])
        removed = int(cursor.rowcount)
        cursor.execute(f"ALTER TABLE {_TABLE} ENABLE TRIGGER {_TRIGGER}")
    return removed
