from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from dispatch.choices import ClaimState
from dispatch.models import Claim, ReceivedWebhook

# So long a request that comes again is known.
WEBHOOKS_KNOWN = timedelta(days=400)


def delete_expired(*, now: datetime | None = None, batch: int = 10_000) -> int:
    """Delete claims that were settled more than CLAIM_RETENTION_DAYS ago, with their raw answers. Returns how many.

    The results of the deliveries stay in the ledger. What is known of old webhooks goes too. It deletes in batches, so
    that no lock lasts long.
    """
    now = now or timezone.now()
    forget_webhooks(now=now)
    limit = now - timedelta(days=settings.CLAIM_RETENTION_DAYS)
    total = 0
    while deleted := delete_claims(before=limit, batch=batch):
        total += deleted
    return total


def forget_webhooks(*, now: datetime) -> None:
    """Forget requests that nobody repeats any more."""
    ReceivedWebhook.objects.filter(received_at__lt=now - WEBHOOKS_KNOWN).delete()


def delete_claims(*, before: datetime, keep: Q | None = None, batch: int = 10_000) -> int:
    """Delete some of the claims that were settled before a moment, but for those of ``keep``. Returns how many."""
    expired = Claim.objects.filter(state=ClaimState.SETTLED, settled_at__lt=before)
    if keep is not None:
        expired = expired.exclude(keep)
    some = list(expired.values_list("pk", flat=True)[:batch])
    return Claim.objects.filter(pk__in=some).delete()[0] if some else 0
