from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from mailgun_sync.models import MailgunEvent, RecipientAddress, SyncRun


def delete_expired(*, now: datetime | None = None, batch: int = 10_000) -> int:
    """Delete events and runs that are older than EVENT_RETENTION_DAYS. Returns the number of events.

    It deletes in batches, each in its own transaction, so that no lock lasts long.
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
    _delete_unused_addresses()
    return total


@transaction.atomic
def _delete_unused_addresses() -> None:
    """Delete the addresses without an event."""
    with connection.cursor() as cursor:
        # The lock keeps pages out: a page that found its address here could lose it before its events are visible.
        cursor.execute(f"LOCK TABLE {RecipientAddress._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
    RecipientAddress.objects.filter(~Exists(MailgunEvent.objects.filter(recipient=OuterRef("address")))).delete()
