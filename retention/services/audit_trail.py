"""The audit trail is append-only: only the owner of its table can let old rows go."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import ProgrammingError

from accounts.audit_chain import forget_events
from accounts.database_roles import as_owner
from accounts.models import AuditEvent

log = structlog.get_logger(__name__)


def remove_old(*, before: datetime, batch: int) -> int:
    """Remove the oldest rows from before a moment. Returns how many; 0 also where this process may not."""
    if not AuditEvent.objects.filter(occurred_at__lt=before).exists():
        return 0
    with as_owner():
        try:
            return forget_events(before=before, most=batch)
        except ProgrammingError:
            log.warning("audit_trail.kept", reason="only the owner of the database can remove rows")
            return 0
