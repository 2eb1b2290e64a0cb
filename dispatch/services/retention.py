from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
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
    ReceivedWebhook.objects.filter(received_at__lt=now - WEBHOOKS_KNOWN).delete()
    limit = now - timedelta(days=settings.CLAIM_RETENTION_DAYS)
    expired = Claim.objects.filter(state=ClaimState.SETTLED, settled_at__lt=limit).values_list("pk", flat=True)
    total = 0
    while some := list(expired[:batch]):
        total += Claim.objects.filter(pk__in=some).delete()[0]
    return total
