from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from mailgun_sync.models import MailgunEvent, RecipientAddress, SyncRun


def delete_expired(*, now: datetime | None = None, batch: int = 10_000) -> int:
    """Delete events and runs that are older than EVENT_RETENTION_DAYS. Returns the number of events.

    In batches, each a transaction of its own, so that nothing waits for long.
    """
    limit = (now or timezone.now()) - timedelta(days=settings.EVENT_RETENTION_DAYS)
    SyncRun.objects.filter(started_at__lt=limit).delete()
    total = 0
    while True:
        oldest = MailgunEvent.objects.filter(occurred_at__lt=limit).order_by("occurred_at", "id")[:batch]
        deleted, _ = MailgunEvent.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()
        total += deleted
        if deleted < batch:
            break
    _forget_addresses()
    return total


@transaction.atomic
def _forget_addresses() -> None:
    """Delete the addresses that no event is about any more."""
    with connection.cursor() as cursor:
        # No page is being stored then: one that found its address here could lose it before its events are seen.
        cursor.execute(f"LOCK TABLE {RecipientAddress._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    RecipientAddress.objects.filter(~Exists(MailgunEvent.objects.filter(recipient=OuterRef("address")))).delete()
