"""Count what comes from each source, in the transaction that stores it, and what the webhook refuses."""

from __future__ import annotations

from django.db import connection

from mailgun_sync.choices import Refusal
from mailgun_sync.models import RefusedCall, SourceCount
from mailgun_sync.services.ingest import StoreResult

_COUNT = f"""
INSERT INTO {SourceCount._meta.db_table} AS kept (domain_id, source, calls, events_seen, events_new, last_at)
VALUES (%(domain)s, %(source)s, 1, %(seen)s, %(new)s, now())
ON CONFLICT (domain_id, source) DO UPDATE SET
    calls = kept.calls + 1, events_seen = kept.events_seen + excluded.events_seen,
    events_new = kept.events_new + excluded.events_new, last_at = greatest(kept.last_at, excluded.last_at)
"""  # noqa: S608  (table names only)

_REFUSE = f"""
INSERT INTO {RefusedCall._meta.db_table} AS kept (reason, calls, last_at) VALUES (%s, 1, now())
ON CONFLICT (reason) DO UPDATE SET calls = kept.calls + 1, last_at = greatest(kept.last_at, excluded.last_at)
"""  # noqa: S608  (table names only)


def count_call(*, domain_id: int, source: str, stored: StoreResult) -> None:
    """Count a page or a call. It locks the domain's row of the source, so it comes last in its transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"domain": domain_id, "source": source, "seen": stored.seen, "new": stored.new})


def count_refusal(reason: Refusal) -> None:
    """Count a call to the webhook that was refused. Nothing of the call is kept."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSE, [reason.value])
