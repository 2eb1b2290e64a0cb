from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from mailgun_sync.models import ADDRESS_SLACK_DAYS, MailgunEvent, RecipientAddress, SyncRun, TakenWebhook
from mailgun_sync.services.webhooks import KNOWN


def delete_expired(*, now: datetime | None = None, batch: int = 10_000) -> int:
    """Delete events and runs that are older than EVENT_RETENTION_DAYS. Returns the number of events.

    What is known of old calls to the webhook goes too, since their signatures are too old by now.

    It deletes in batches, each in its own transaction, so that no lock lasts long.
    """
    now = now or timezone.now()
    TakenWebhook.objects.filter(received_at__lt=now - KNOWN).delete()
    limit = now - timedelta(days=settings.EVENT_RETENTION_DAYS)
    SyncRun.objects.filter(started_at__lt=limit).delete()
    total = 0
    while True:
        oldest = MailgunEvent.objects.filter(occurred_at__lt=limit).order_by("occurred_at", "id")[:batch]
        deleted, _ = MailgunEvent.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()
        total += deleted
        if deleted < batch:
            break
    _delete_addresses(limit, batch)
    return total


def _delete_addresses(limit: datetime, batch: int) -> None:
    """Delete the addresses whose newest event was deleted, also where a sync writes at the same moment.

    A page leaves an address alone only if its last day is near enough to that of the event. PostgreSQL looks at the day
    again when it deletes a row that a page has just written.
    """
    expired = RecipientAddress.objects.filter(last_event_on__lt=limit.date() - timedelta(days=ADDRESS_SLACK_DAYS + 1))
    while pks := list(expired.values_list("pk", flat=True)[:batch]):
        expired.filter(pk__in=pks).delete()
