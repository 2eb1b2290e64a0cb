from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from mailgun_sync.models import (
    ADDRESS_SLACK_DAYS,
    MailgunEvent,
    RecipientAddress,
    SuppressionRun,
    SyncRun,
    TakenWebhook,
)
from mailgun_sync.querysets import MailgunEventQuerySet
from mailgun_sync.services.months import Month, drop_month, months_before
from mailgun_sync.services.webhooks import KNOWN


def delete_expired(*, now: datetime | None = None, batch: int = 10_000) -> int:
    """Delete events and runs that are older than EVENT_RETENTION_DAYS. Returns the number of events.

    What is known of old calls to the webhook goes too, since their signatures are too old by now.

    It deletes in batches, each in its own transaction, so that no lock lasts long.
    """
    now = now or timezone.now()
    forget_calls(now=now)
    limit = now - timedelta(days=settings.EVENT_RETENTION_DAYS)
    delete_runs(before=limit)
    total = sum(_drop(month) for month in months_before(limit))
    while deleted := delete_events(before=limit, batch=batch):
        total += deleted
    delete_addresses(before=limit, batch=batch)
    return total


@transaction.atomic
def _drop(month: Month) -> int:
    return drop_month(month) or 0


def forget_calls(*, now: datetime) -> None:
    """Forget calls to the webhook whose signatures are too old to come again."""
    TakenWebhook.objects.filter(received_at__lt=now - KNOWN).delete()


def delete_runs(*, before: datetime) -> None:
    SyncRun.objects.filter(started_at__lt=before).delete()
    SuppressionRun.objects.filter(started_at__lt=before).delete()


def delete_events(*, before: datetime, keep: Q | None = None, batch: int = 10_000) -> int:
    """Delete the oldest events from before a moment, but for those of ``keep``. Returns how many."""
    old = MailgunEvent.objects.filter(occurred_at__lt=before)
    if keep is not None:
        # Not exclude(): a condition on a link that is NULL would leave the event out.
        old = old.exclude(pk__in=MailgunEvent.objects.filter(keep, occurred_at__lt=before).values("pk"))
    some = list(old.order_by("occurred_at", "id").values_list("occurred_at", "pk")[:batch])
    return of_rows(some).delete()[0] if some else 0


def of_rows(rows: Sequence[tuple[datetime, int]]) -> MailgunEventQuerySet:
    """Return the events with these times and ids, in the order of time. PostgreSQL looks at no other month."""
    within = Q(occurred_at__range=(rows[0][0], rows[-1][0])) if rows else Q()
    return MailgunEvent.objects.filter(within, pk__in=[pk for _, pk in rows])


def delete_addresses(*, before: datetime, some_kept: bool = False, batch: int = 10_000) -> None:
    """Delete the addresses whose newest event was deleted, also where a sync writes at the same moment.

    ``some_kept`` says that older events may be here still: then it looks for those of each address.

    A page leaves an address alone only if its last day is near enough to that of the event. PostgreSQL looks at the day
    again when it deletes a row that a page has just written.
    """
    expired = RecipientAddress.objects.filter(last_event_on__lt=before.date() - timedelta(days=ADDRESS_SLACK_DAYS + 1))
    if some_kept:
        expired = expired.filter(~Exists(MailgunEvent.objects.filter(recipient=OuterRef("address"))))
    while pks := list(expired.values_list("pk", flat=True)[:batch]):
        expired.filter(pk__in=pks).delete()


def delete_unused_addresses(*, before: datetime, after: int = 0, batch: int = 10_000) -> int | None:
    """Delete some of the addresses whose events are older than a moment, and do not name them any more.

    It looks at those with an id above ``after``, and returns the last id; None at the end.
    """
    old = RecipientAddress.objects.filter(pk__gt=after, last_event_on__lt=before.date()).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:batch])
    named = MailgunEvent.objects.filter(recipient=OuterRef("address"))
    RecipientAddress.objects.filter(~Exists(named), pk__in=ids, last_event_on__lt=before.date()).delete()
    return ids[-1] if ids else None
